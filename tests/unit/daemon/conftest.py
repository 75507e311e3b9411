from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.certificates import self_signed
from framework.memory_engine import MemoryEngine
from framework.serving import Serving


@pytest.fixture(scope="module")
def engine() -> MemoryEngine:
    return MemoryEngine()


@pytest.fixture(scope="module")
def serving(engine: MemoryEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(engine, Path(tmp_path_factory.mktemp("serving")) / "s")
    yield serving
    serving.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return self_signed(tmp_path_factory.mktemp("tls"))
