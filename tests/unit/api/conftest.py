from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.memory_engine import MemoryEngine
from framework.serving import Serving


@pytest.fixture(scope="module")
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture(scope="module")
def api(engine: MemoryEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(engine, Path(tmp_path_factory.mktemp("api")) / "s")
    yield serving
    serving.close()
