from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from framework.wire import read_head, request, run_request


def test_stop_cuts_followers_off_at_once(tmp_path: Path) -> None:
    engine = MemoryEngine()
    serving = Serving(engine, tmp_path / "s")
    follower = serving.open("GET", "/v1/events")
    began = time.monotonic()
    serving.close()
    assert time.monotonic() - began < 1.5  # far less than the grace a request gets
    assert engine.events.unsubscribed.is_set()
    follower.close()


def test_stop_lets_a_request_end(tmp_path: Path) -> None:
    engine = MemoryEngine()
    serving = Serving(engine, tmp_path / "s")
    serving.ask("POST", "/v1/guests/run", {"spec": {"image": "busybox", "name": "w"}})
    with serving.connect() as sock:
        sock.sendall(request("POST", "/v1/guests/w/wait"))
        serving.ask("GET", "/v1/ping")
        serving.loop.call_soon_threadsafe(lambda: serving.loop.call_later(0.05, engine.guests._end, *ended(engine)))
        serving.close()
        assert read_head(sock)[2] == b'{"exit_code":9}'


def ended(engine: MemoryEngine) -> tuple[object, int]:
    return engine.guests.find("w"), 9


def test_stop_removes_the_socket(tmp_path: Path) -> None:
    serving = Serving(MemoryEngine(), tmp_path / "s")
    serving.close()
    assert not (tmp_path / "s").exists()


def test_upgrades_are_served_before_the_api_is_built(tmp_path: Path) -> None:
    """What a first ``wirt run`` waits for: neither FastAPI nor anything that it brings."""
    program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from framework.wire import read_head, run_request
serving = Serving(MemoryEngine(), Path({str(tmp_path / "s")!r}))
with serving.connect() as sock:
    sock.sendall(run_request("x"))
    assert read_head(sock)[0] == 101
assert not {{"fastapi", "pydantic", "prometheus_client"}} & set(sys.modules)
assert serving.ask("GET", "/v1/ping").status == 200
assert "fastapi" in sys.modules
serving.close()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_requests_during_the_build_wait_for_it(tmp_path: Path) -> None:
    serving = Serving(MemoryEngine(), tmp_path / "s")
    try:
        connections = [serving.connect() for _ in range(5)]
        for sock in connections:
            sock.sendall(request("GET", "/v1/ping"))
        for sock in connections:
            assert read_head(sock)[0] == 200
            sock.close()
    finally:
        serving.close()


@pytest.mark.parametrize("count", [200])
def test_many_connections_at_once(tmp_path: Path, count: int) -> None:
    serving = Serving(MemoryEngine(), tmp_path / "s")
    try:
        connections = [serving.connect() for _ in range(count)]
        for sock in connections:
            sock.sendall(run_request("x", stdin=False))
        for sock in connections:
            assert read_head(sock)[0] == 101
            sock.close()
    finally:
        serving.close()
