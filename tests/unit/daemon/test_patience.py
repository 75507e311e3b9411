"""Clients on TCP that connect and then say nothing, or take their time over it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from framework.wire import read_head, request, run_request
from wirt.daemon.listen import tcp_listener
from wirt.engine.settings import Listen
from wirt.host.token_file import digest

PATIENCE = 0.2  # seconds
GOOD = {"Authorization": "Bearer word"}
PING = request("GET", "/v1/ping", **GOOD)


@dataclass
class Host:
    serving: Serving
    engine: MemoryEngine
    plain: int
    tls: int

    def connect(self, port: int | None = None) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port or self.plain), timeout=10)


@pytest.fixture(scope="module")
def host(certificate: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    tokens = (digest("word"),)
    listeners = [
        tcp_listener(Listen("127.0.0.1:0", tokens=tokens)),
        tcp_listener(Listen("127.0.0.1:0", *certificate, tokens=tokens)),
    ]
    ports = [listener.sock.getsockname()[1] for listener in listeners]
    engine = MemoryEngine()
    serving = Serving(engine, Path(tmp_path_factory.mktemp("patience")) / "s", listeners, patience=PATIENCE)
    serving.ask("GET", "/v1/ping")  # from now on answers come at once
    yield Host(serving, engine, *ports)
    serving.close()


def is_dropped(sock: socket.socket) -> bool:
    """Waits for the end of the connection; anything that is said before it counts as an answer."""
    with contextlib.suppress(ConnectionError):
        return not sock.recv(1)
    return True


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n", PING[:9], PING[:-2], run_request("x", **GOOD)[:-1]],
    ids=["nothing", "an empty line", "half a line", "no end", "half the body of an upgrade"],
)
def test_client_that_never_says_what_it_wants_is_dropped(host: Host, sent: bytes) -> None:
    with host.connect() as sock:
        sock.sendall(sent)
        assert is_dropped(sock)


def test_client_that_speaks_slowly_is_dropped(host: Host) -> None:
    with host.connect() as sock:
        sock.settimeout(PATIENCE / 8)
        sock.sendall(b"GET /v1/ping HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            while True:
                sock.sendall(b"y")
                with contextlib.suppress(TimeoutError):
                    assert not sock.recv(1)
                    break


def test_second_request_has_to_come_in_time_too(host: Host) -> None:
    with host.connect() as sock:
        sock.sendall(PING + PING[:9])
        assert read_head(sock)[0] == 200
        assert is_dropped(sock)


def test_client_that_agrees_on_no_tls_is_dropped(host: Host) -> None:
    with host.connect(host.tls) as sock:
        assert is_dropped(sock)


def test_answer_may_take_longer(host: Host) -> None:
    with host.connect() as sock:
        sock.sendall(request("GET", "/v1/events", **GOOD))
        assert read_head(sock)[0] == 200
        loop = host.serving.loop
        loop.call_soon_threadsafe(loop.call_later, 2 * PATIENCE, host.engine.events.publish, "start", "abc")
        assert sock.recv(4096)


def test_connection_of_a_guest_may_be_silent_for_longer(host: Host) -> None:
    with host.connect() as sock:
        sock.sendall(run_request("x", **GOOD))
        assert read_head(sock)[0] == 101
        assert sock.recv(4096)
        sock.settimeout(2 * PATIENCE)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_socket_of_this_host_has_no_deadline(host: Host) -> None:
    with host.serving.connect() as sock:
        sock.settimeout(2 * PATIENCE)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(10)
        sock.sendall(PING)
        assert read_head(sock)[0] == 200
