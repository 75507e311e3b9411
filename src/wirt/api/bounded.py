"""Bodies of requests have a size that they may not exceed, but for uploads, which are never in memory whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from wirt.api.observe import App, Message, Receive, Scope, Send
from wirt.errors import TooLarge

if TYPE_CHECKING:
    from fastapi import Request  # upgrades need this module, and must not wait for that one

__all__ = ["MAX_BODY", "Bounded", "unbounded", "within"]

MAX_BODY = 4 << 20  # bytes

_UNBOUNDED = "wirt.unbounded"


def within(size: int) -> None:
    """``TooLarge`` if a body of ``size`` bytes is."""
    if size > MAX_BODY:
        raise TooLarge(f"the request's body is larger than {MAX_BODY} bytes")


def unbounded(request: Request) -> AsyncIterator[bytes]:
    """The body of an upload, however long it is."""
    request.scope[_UNBOUNDED] = True
    return request.stream()


class Bounded:
    """ASGI middleware. What is announced as too large is refused unread, what is not announced when it gets there."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
        received = 0

        async def counted() -> Message:
            nonlocal received
            if scope.get(_UNBOUNDED):
                return await receive()
            within(announced)
            message = await receive()
            received += len(message.get("body", b""))
            within(received)
            return message

        await self._app(scope, counted, send)
