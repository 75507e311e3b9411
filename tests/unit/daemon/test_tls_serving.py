from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from framework.memory_engine import MemoryEngine
from framework.serving import Serving
from framework.wire import read_frames, read_head, request, run_request
from wirt.daemon.listen import tcp_listener
from wirt.engine.settings import Listen
from wirt.host.token_file import digest
from wirt.keeper.frames import FrameType, encode

TOKEN = "a token"  # noqa: S105
GOOD = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Remote:
    port: int
    certificate: str

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.certificate)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return context.wrap_socket(plain, server_hostname="localhost")


@pytest.fixture(scope="module")
def remote(certificate: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    listener = tcp_listener(Listen("127.0.0.1:0", *certificate, tokens=(digest(TOKEN),)))
    port = listener.sock.getsockname()[1]
    serving = Serving(MemoryEngine(), Path(tmp_path_factory.mktemp("tls")) / "s", [listener])
    yield Remote(port, certificate[0])
    serving.close()


def test_tls_serves_who_has_a_token(remote: Remote) -> None:
    with remote.connect() as sock:
        for _ in range(2):
            sock.sendall(request("GET", "/v1/ping", **GOOD))
            assert read_head(sock)[0] == 200


@pytest.mark.parametrize("sent", [request("GET", "/v1/ping"), request("GET", "/metrics", Authorization="Bearer x")])
def test_tls_answers_401_without_a_token(remote: Remote, sent: bytes) -> None:
    with remote.connect() as sock:
        sock.sendall(sent)
        status, headers, body = read_head(sock)
    assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="wirt"')
    assert json.loads(body)["error"] == "forbidden"


def test_tls_upgrade_needs_a_token_too(remote: Remote) -> None:
    with remote.connect() as sock:
        sock.sendall(run_request("x"))
        assert read_head(sock)[0] == 401


def test_tls_upgrade_carries_frames_both_ways(remote: Remote) -> None:
    data = bytes(range(256)) * 4096  # a megabyte: more than any buffer on the way
    pieces = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    with remote.connect() as sock:
        sock.sendall(run_request("exit", "3", **GOOD))
        assert read_head(sock)[0] == 101
        received = b""
        for piece in pieces:
            sock.sendall(encode(FrameType.STDIN, piece))
            received += piece
        sock.sendall(encode(FrameType.STDIN))
        assert read_frames(sock) == (b"exit 3" + received, 3)


def test_tls_connection_that_speaks_plainly_is_dropped(remote: Remote) -> None:
    with socket.create_connection(("127.0.0.1", remote.port), timeout=10) as sock:
        sock.sendall(request("GET", "/v1/ping", **GOOD))
        assert not sock.recv(1000).startswith(b"HTTP")


def test_plain_loopback_needs_a_token_too(tmp_path: Path) -> None:
    listener = tcp_listener(Listen("127.0.0.1:0", tokens=(digest(TOKEN),)))
    port = listener.sock.getsockname()[1]
    serving = Serving(MemoryEngine(), tmp_path / "s", [listener])
    try:
        for headers, status in ((GOOD, 101), ({}, 401)):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                sock.sendall(run_request("x", stdin=False, **headers))
                assert read_head(sock)[0] == status
    finally:
        serving.close()
