"""Every request is timed and logged on its way through."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from wirt.api.timing import Timings

__all__ = ["App", "Message", "Observed", "Receive", "Scope", "Send", "log_request"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)


class Observed:
    """ASGI middleware. The time counted is that to the answer's beginning: a stream may last for days."""

    def __init__(self, app: App, timings: Timings) -> None:
        self._app = app
        self._timings = timings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - start
                operation = getattr(scope.get("route"), "name", "none")
                self._timings.note(operation, message["status"], seconds)
                log_request(scope["method"], scope["path"], message["status"], seconds, scope.get("wirt.peer", ""))
            await send(message)

        await self._app(scope, receive, watched)


def log_request(method: str, path: str, status: int, seconds: float, peer: str) -> None:
    """What changes something is worth a line in the log; what only looks is not, unless somebody debugs."""
    level = logging.DEBUG if method in ("GET", "HEAD") else logging.INFO
    _log.log(level, "%s %s %d %.1f ms %s", method, path, status, seconds * 1000, peer)
