"""A daemon that answers from a table and remembers what it was asked, for verbs to talk to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from wirt.cli.main import main


class Asked:
    """One request: its body is JSON where it can be read as such, else bytes."""

    def __init__(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        parts = urlsplit(target)
        self.method, self.path, self.query = method, unquote(parts.path), parse_qsl(parts.query)
        self.headers = headers
        try:
            self.body: Any = json.loads(body)
        except ValueError:
            self.body = body


class Daemon:
    """``answers``: what to say to "METHOD /path"; bytes as they are, an int is a status, else JSON."""

    def __init__(self, path: str) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[Asked] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                if line := stream.readline():
                    self._answer(connection, line.decode().split(), stream)

    def _answer(self, connection: socket.socket, line: list[str], stream: Any) -> None:
        headers = {}
        while (header := stream.readline()) != b"\r\n":
            name, _, value = header.decode().partition(":")
            headers[name.lower()] = value.strip()
        asked = Asked(line[0], line[1], headers, _body(headers, stream))
        self.asked.append(asked)
        answer = self.answers.get(f"{asked.method} {asked.path}", 404)
        if isinstance(answer, bytes):
            connection.sendall(answer)
            return
        status, said = (answer, b"") if isinstance(answer, int) else (200, json.dumps(answer).encode())
        if status == 404:
            said = b'{"error":"not_found","message":"no such thing","hint":"look elsewhere","exit_code":125}'
        head = f"HTTP/1.1 {status} Status\r\nContent-Length: {len(said)}\r\n\r\n"
        connection.sendall(head.encode() + (b"" if asked.method == "HEAD" else said))


def _body(headers: dict[str, str], stream: Any) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return bytes(stream.read(int(headers.get("content-length", 0))))
    body = b""
    while size := int(stream.readline(), 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    path = str(tmp_path / "d.sock")
    monkeypatch.setenv("WIRT_HOST", f"unix://{path}")
    monkeypatch.setenv("COLUMNS", "100")
    daemon = Daemon(path)
    yield daemon
    daemon.close()


class Shell:
    """``wirt(...)`` runs a command line in this process; ``out`` and ``err`` are what it wrote."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self.out = self.err = ""

    def __call__(self, *words: str) -> int:
        self._capture.readouterr()
        code = main(list(words))
        self.out, self.err = self._capture.readouterr()
        return code


@pytest.fixture
def wirt(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def wirt_fd(capfd: pytest.CaptureFixture[str]) -> Shell:
    """The same for verbs that write to descriptors."""
    return Shell(capfd)
