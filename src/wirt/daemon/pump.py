"""Two connections as one: what comes in on either goes out on the other.

For upgrades over TLS: a keeper can do nothing with the socket of an encrypted connection.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

__all__ = ["Pump", "bridge"]


class Pump(asyncio.Protocol):
    """One of the two directions. A slow receiver stops the other side's reading."""

    transport: asyncio.Transport
    other: Pump

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Half an end goes on as such where that can be said; TLS cannot."""
        if not self.other.transport.can_write_eof():
            return False
        self.other.transport.write_eof()
        return self.transport.can_write_eof()

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._connections.discard(self)
        self.other.transport.close()

    def shutdown(self) -> None:
        """What a stopping server asks of every connection."""
        self.transport.abort()


async def bridge(transport: asyncio.Transport, connections: set[Any]) -> socket.socket:
    """A plain socket that is the far end of ``transport``. ``connections``: who is asked when the server stops."""
    ours, theirs = socket.socketpair()
    outer, inner = Pump(connections), Pump(connections)
    outer.other, inner.other = inner, outer
    try:
        await asyncio.get_running_loop().create_connection(lambda: inner, sock=ours)
    except BaseException:
        ours.close()
        theirs.close()
        raise
    outer.connection_made(transport)
    transport.set_protocol(outer)
    if transport.is_closing():  # the client has left already: to the far end it looks like any client that leaves
        inner.transport.close()
    transport.resume_reading()
    return theirs
