"""A real server over an engine, on a loop in a thread of its own, and a plain HTTP client for it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from wirt.api.protocols import Engine
from wirt.daemon.listen import Listener, unix_socket
from wirt.daemon.server import Server, serve

__all__ = ["Answer", "Serving"]

T = TypeVar("T")

_PATIENCE = 20.0  # seconds


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


class _Response(http.client.HTTPResponse):
    """Closing it is leaving."""

    def __init__(self, sock: socket.socket, *details: Any, **more: Any) -> None:
        super().__init__(sock, *details, **more)
        self._sock = sock

    def close(self) -> None:
        super().close()
        self._sock.close()


class _UnixConnection(http.client.HTTPConnection):
    response_class = _Response

    def __init__(self, path: Path) -> None:
        super().__init__("wirt", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_PATIENCE)
        self.sock.connect(str(self._path))


class Serving:
    """Serves ``engine`` at ``path`` until it is closed. ``options``: those of ``serve``."""

    def __init__(self, engine: Engine, path: Path, extra: Iterable[Listener] = (), **options: float) -> None:
        self.path = path
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="serving", daemon=True)
        self._thread.start()
        listeners = [Listener(unix_socket(path), path=path), *extra]
        self.server: Server = self.do(serve(engine, listeners, **options))

    def do(self, work: Awaitable[T]) -> T:
        """The result of ``work``, done on the server's loop."""

        async def run() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(_PATIENCE)

    def close(self) -> None:
        self.do(self.server.stop(grace=2.0))
        self.do(self.loop.shutdown_asyncgens())
        self.do(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_PATIENCE)
        self.loop.close()

    def connect(self) -> socket.socket:
        """A connection to speak bytes on."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(_PATIENCE)
        sock.connect(str(self.path))
        return sock

    def open(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The answer as it comes (``http.client.HTTPResponse``)."""
        connection = _UnixConnection(self.path)
        chunked = body is not None and not isinstance(body, bytes | str)
        connection.request(method, target, body, dict(headers or {}), encode_chunked=chunked)
        return connection.getresponse()

    def ask(self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The whole answer. ``body``: bytes as they are, an iterable in chunks, a dict as JSON."""
        sent = dict(headers or {})
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        response = self.open(method, target, body, sent)
        try:
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            response.close()
