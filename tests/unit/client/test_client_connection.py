from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from wirt import errors
from wirt.client.transport import Transport, path


def head(connection: socket.socket) -> bytes:
    """A request's head, and what came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    return data


def answering(*parts: bytes):
    def handler(connection: socket.socket) -> None:
        head(connection)
        for part in parts:
            connection.sendall(part)

    return handler


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "parts",
    [
        (OK, b"Content-Length: 5\r\n\r\nhello"),
        (OK, b"content-length:5\r\n\r", b"\nhe", b"llo and more"),
        (OK, b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", b"3;x=y\r\nl", b"lo\r\n0\r", b"\n\r\n"),
        (OK, b"\r\n", b"hel", b"lo"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", OK, b"Content-Length: 5\r\n\r\nhello"),
    ],
    ids=["length", "split", "chunked", "until-close", "interim"],
)
def test_response_body_is_read_whichever_way_it_is_framed(serve, parts: tuple[bytes, ...]) -> None:
    with serve(answering(*parts)).request("GET", path("ping")) as response:
        assert response.read() == b"hello"


def test_response_reads_like_a_file(serve) -> None:
    data = bytes(range(256)) * 40
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(data[i : i + 300]), data[i : i + 300]) for i in range(0, len(data), 300))
    transport = serve(answering(OK, b"Transfer-Encoding: chunked\r\n\r\n", chunks, b"0\r\n\r\n"))
    with transport.request("GET", "/") as response:
        assert response.read(0) == b""
        assert response.read(7) == data[:7]
        assert response.read(1000) == data[7:1007]
        assert b"".join(response) == data[1007:]
        assert response.read() == b""


def test_response_splits_into_lines_as_they_come(serve) -> None:
    pieces = (b'{"a":', b'1}\n{"a":2}\n\n', b'{"a"', b":3}")
    transport = serve(answering(OK, b"\r\n", *pieces))
    assert list(transport.follow("GET", "/")) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_request_says_what_it_wants(serve) -> None:
    seen: list[bytes] = []

    def handler(connection: socket.socket) -> None:
        seen.append(head(connection))
        connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")

    serve(handler).call("POST", path("images", "a/b:c", "tag"), query={"target": "x y"}, json={"n": [1]})
    lines, _, body = seen[0].partition(b"\r\n\r\n")
    assert lines.split(b"\r\n") == [
        b"POST /v1/images/a%2Fb:c/tag?target=x%20y HTTP/1.1",
        b"Host: wirt",
        b"Content-Type: application/json",
        b"Content-Length: 9",
    ]
    assert body == b'{"n":[1]}'


def test_call_gives_none_for_no_content(serve) -> None:
    assert serve(answering(b"HTTP/1.1 204 No Content\r\n\r\n")).call("POST", "/") is None


def test_head_has_no_body_whatever_its_length_says(serve) -> None:
    transport = serve(answering(OK, b"Wirt-Path-Stat: {}\r\nContent-Length: 500\r\n\r\n"))
    with transport.request("HEAD", "/") as response:
        assert response.headers["wirt-path-stat"] == "{}"
        assert response.read() == b""


def received_body(connection: socket.socket) -> bytes:
    data = head(connection)
    while not data.endswith(b"0\r\n\r\n"):
        data += connection.recv(65536)
    rest, body = data.partition(b"\r\n\r\n")[2], b""
    while size := int(rest[: (end := rest.index(b"\r\n"))], 16):
        body += rest[end + 2 : end + 2 + size]
        rest = rest[end + 4 + size :]
    return body


def test_upload_goes_out_in_pieces(serve) -> None:
    seen: list[bytes] = []

    def handler(connection: socket.socket) -> None:
        seen.append(received_body(connection))
        connection.sendall(OK + b"Content-Length: 0\r\n\r\n")

    pieces = [b"a" * 100_000, b"", b"b" * 300_000, b"c"]
    with serve(handler).request("POST", "/", body=iter(pieces)) as response:
        assert response.read() == b""
    assert seen == [b"".join(pieces)]


def test_upload_goes_on_while_the_answer_is_read(serve) -> None:
    """The server says more than the sockets hold before it reads: neither side may wait for the other's end."""

    def handler(connection: socket.socket) -> None:
        first = head(connection)
        connection.sendall(OK + b"\r\n" + b"progress\n" * 100_000)
        total = len(first)
        while not first.endswith(b"0\r\n\r\n"):
            first = connection.recv(65536)
            total += len(first)
        connection.sendall(b"done %d\n" % (total > 4_000_000))

    with serve(handler).request("POST", "/", body=(b"x" * 100_000 for _ in range(40))) as response:
        lines = list(response.lines())
    assert len(lines) == 100_001
    assert lines[-1] == b"done 1"


def test_upload_ends_early_when_the_server_refuses(serve) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 65536

    body = b'{"error":"out_of_space","message":"the disk is full","hint":"","exit_code":125}'
    refusal = answering(b"HTTP/1.1 507 Full\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    with pytest.raises(errors.OutOfSpace, match="the disk is full"):
        serve(refusal).request("POST", "/", body=endless())
    assert sent < 100


def test_upload_passes_its_source_s_own_error_on(serve) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise IsADirectoryError("what was to be sent")

    def patient(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with pytest.raises(IsADirectoryError):
        serve(patient).request("POST", "/", body=broken())


@pytest.mark.parametrize(
    "parts", [(), (b"HTTP/1.1 200",), (b"SSH-2.0-OpenSSH\r\n\r\n",)], ids=["nothing", "half a head", "not HTTP"]
)
def test_request_without_an_answer_is_unavailable(serve, parts: tuple[bytes, ...]) -> None:
    with pytest.raises(errors.Unavailable, match="no daemon answers at unix://"):
        serve(answering(*parts)).call("GET", "/")


@pytest.mark.parametrize("framing", [b"Content-Length: 9\r\n\r\n12", b"Transfer-Encoding: chunked\r\n\r\n9\r\n12"])
def test_response_cut_short_is_an_error(serve, framing: bytes) -> None:
    with pytest.raises(ConnectionResetError, match="middle of its answer"):
        serve(answering(OK, framing)).call("GET", "/")


def test_upgrade_gives_the_socket_and_what_came_early(serve) -> None:
    def handler(connection: socket.socket) -> None:
        assert b"Upgrade: wirt\r\n" in head(connection)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nWirt-Guest: abc\r\n\r\nearly")
        assert connection.recv(10) == b"ping"

    upgraded = serve(handler).upgrade("/", json={})
    assert upgraded.headers["wirt-guest"] == "abc"
    assert upgraded.early == b"early"
    upgraded.socket.sendall(b"ping")
    upgraded.socket.close()


def test_upgrade_refused_is_the_server_s_error(serve) -> None:
    body = b'{"error":"start_failed","message":"no such program","hint":"look","exit_code":127}'
    refusal = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    with pytest.raises(errors.StartFailed, match="no such program") as caught:
        serve(refusal).upgrade("/", json={})
    assert (caught.value.exit_code, caught.value.hint) == (127, "look")


def test_errors_of_strangers_become_runtime_failures(serve) -> None:
    answer = answering(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 14\r\n\r\n<html>nope</ht")
    with pytest.raises(errors.RuntimeFailure, match="status 502: <html>nope"):
        serve(answer).call("GET", "/")


def test_transport_says_who_does_not_answer(tmp_path) -> None:
    from wirt.client.address import Address

    with pytest.raises(errors.Unavailable, match="No such file or directory") as caught:
        Transport(Address(str(tmp_path / "none.sock"))).call("GET", "/")
    assert caught.value.hint == "start one with: wirt daemon"
