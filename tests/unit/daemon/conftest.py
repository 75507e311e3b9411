from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    """A certificate of localhost that has signed itself, and its key: two files."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    pem, key = str(folder / "cert.pem"), str(folder / "key.pem")
    kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    name = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = [openssl, *kind.split(), *name.split(), "-keyout", key, "-out", pem]
    subprocess.run(command, check=True, capture_output=True)
    return pem, key
