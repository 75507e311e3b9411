from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wirt.client.address import Address
from wirt.client.transport import Transport
from wirt.errors import Unavailable


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of localhost, and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    pem, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        (
            f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost "
            f"-addext subjectAltName=DNS:localhost -days 2 -keyout {key} -out {pem}"
        ).split(),
        check=True,
        capture_output=True,
    )
    pem.write_bytes(pem.read_bytes() + key.read_bytes())
    return pem


@pytest.fixture
def serve_tls(certificate: Path) -> Iterator[Callable[[Callable[[ssl.SSLSocket], None]], int]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(handler: Callable[[ssl.SSLSocket], None]) -> None:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    handler(secure)
            except ssl.SSLError:
                plain.close()  # the client did not like us

        def start(handler: Callable[[ssl.SSLSocket], None]) -> int:
            threads.append(threading.Thread(target=answer, args=(handler,)))
            threads[-1].start()
            return int(listener.getsockname()[1])

        yield start
        for thread in threads:
            thread.join()


def test_tls_carries_requests_and_large_answers(serve_tls, certificate: Path) -> None:
    seen: list[bytes] = []
    data = bytes(range(256)) * 20_000

    def handler(secure: ssl.SSLSocket) -> None:
        seen.append(secure.recv(65536))
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
        secure.sendall(data)

    port = serve_tls(handler)
    transport = Transport(Address(host="localhost", port=port, ca=str(certificate), token="secret"))  # noqa: S106
    with transport.request("GET", "/v1/ping") as response:
        assert response.read() == data
    assert b"Host: localhost\r\nAuthorization: Bearer secret\r\n" in seen[0]


def test_tls_carries_uploads_and_upgrades(serve_tls, certificate: Path) -> None:
    def handler(secure: ssl.SSLSocket) -> None:
        received = secure.recv(65536)
        assert b"Upgrade: wirt" in received
        secure.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        total = 0
        while total < 3_000_000:
            total += len(secure.recv(65536))
        secure.sendall(b"all there")

    port = serve_tls(handler)
    upgraded = Transport(Address(host="localhost", port=port, ca=str(certificate))).upgrade("/", json={})
    upgraded.socket.sendall(b"x" * 3_000_000)
    assert upgraded.socket.recv(100) == b"all there"
    upgraded.socket.close()


def test_tls_refuses_a_certificate_nobody_vouches_for(serve_tls) -> None:
    port = serve_tls(lambda _: None)
    with pytest.raises(Unavailable, match="not to be trusted") as caught:
        Transport(Address(host="localhost", port=port)).call("GET", "/")
    assert "WIRT_TLS_CA" in caught.value.hint


def test_tls_refuses_a_server_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(Unavailable, match="does not speak TLS"):
            Transport(Address(host="127.0.0.1", port=listener.getsockname()[1])).call("GET", "/")
        thread.join()
