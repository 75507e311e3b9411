"""HTTP as uvicorn speaks it, and requests that take their connection out of HTTP.

An upgrade request (``Upgrade: wirt``) is read to its end, answered with 101, and its socket is passed to a keeper. From
then on the connection is none of this process's business.

::

    data_received -> on_headers_complete --(something to upgrade)--> body collected -> _switch -> 101, descriptor gone
                                         '-(anything else)--------> uvicorn's cycle -> ASGI

Of a connection, one request is in work at a time. An upgrade request that arrives behind another one waits for that
one's answer, with reading stopped.

Whoever connects from elsewhere has so many seconds to say what is wanted (a head, and an upgrade request's body);
connections that never do would use up the descriptors.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from wirt.api.bounded import within
from wirt.api.errors import answer
from wirt.api.native.streams import Upgrade
from wirt.api.observe import App, Receive, Scope, Send, log_request
from wirt.api.protocols import Handoff
from wirt.api.timing import Timings
from wirt.daemon.pump import bridge
from wirt.daemon.tokens import Tokens
from wirt.errors import Forbidden, InvalidInput, WirtError

__all__ = ["MAX_HEAD", "Door", "Http", "Upgrades"]

MAX_HEAD = 64 << 10  # bytes of a request's target and headers

_CREDENTIALS = struct.Struct("iII")  # struct ucred, unix(7)

_log = logging.getLogger(__name__)


class Upgrades(Protocol):
    """Knows which requests take their connection over."""

    @property
    def token(self) -> str: ...
    def find(self, method: str, raw_path: str) -> Upgrade | None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """What the connections of one listening socket lead to.

    ``tokens`` None: whoever can connect may come in. ``patience``: seconds a request's head may take; None: for ever.
    """

    app: App
    upgrades: Sequence[Upgrades]
    timings: Timings
    tokens: Tokens | None = None
    patience: float | None = None


class Http(HttpToolsProtocol):
    """One connection."""

    def __init__(self, config: Config, server_state: ServerState, door: Door) -> None:
        super().__init__(config=config, server_state=server_state, app_state={})
        self._door = door
        self._peer = ""
        self._head_size = 0
        self._upgrade: Upgrade | None = None
        self._plain_head = b""
        self._length = self._missing = 0  # of an upgrade request's body
        self._body = bytearray()
        self._waiting: bytes | None = None  # a complete upgrade request waits; what came behind it
        self._between = True  # requests: what comes next is a head
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = _peer(transport.get_extra_info("socket"))
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._between:
            self._expect_head()
        while data and not self.transport.is_closing():
            data = self._collect(data) if self._missing else self._feed(data)

    def _expect_head(self) -> None:
        if self._door.patience is not None and self._deadline is None:
            self._deadline = self.loop.call_later(self._door.patience, self.transport.abort)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _feed(self, data: bytes) -> bytes:
        """Give ``data`` to the parser; what there is to go on with, if the parser stopped."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as pause:
            # The parser ends an upgrade request at its head: a body is ours to read.
            rest = bytes(data[pause.args[0] :])
            if self._upgrade is not None:
                return self._collect(rest)
            self._renew_parser()
            return self._plain_head + rest
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, WirtError) else InvalidInput(f"this is no HTTP request: {error}"))
        return b""

    def _collect(self, data: bytes) -> bytes:
        """Take the body of an upgrade request."""
        self._body += data[: self._missing]
        behind = data[self._missing :]
        self._missing = self._length - len(self._body)
        if not self._missing:
            self._complete(bytes(behind))
        return b""

    def _renew_parser(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it

    # -- called by the parser ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope = cast(dict[str, Any], self.scope)
        scope["wirt.peer"], scope["wirt.cut"] = self._peer, self._cut
        self._head_size = 0
        self._expect_head()

    def _cut(self) -> None:
        """Break an answer off where it is, so that nobody takes it for a whole one."""
        self.cycle.disconnected = True
        self.transport.abort()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > MAX_HEAD:
            raise InvalidInput(f"the request's head is larger than {MAX_HEAD} bytes")

    def on_headers_complete(self) -> None:
        tokens = self._door.tokens
        admitted = tokens is None or tokens.admit(self.headers)
        self.app = self._door.app if admitted else _unauthorized
        self._upgrade = None
        if not self.parser.should_upgrade():
            self._between = False
            self._head_is_here()
            super().on_headers_complete()
        elif admitted and (found := self._find_upgrade()) is not None:
            self._begin_body()
            self._upgrade = found
        else:
            self._plain_head = self._without_upgrade()

    def _find_upgrade(self) -> Upgrade | None:
        wanted = (self._get_upgrade() or b"").decode("latin-1").strip()
        path = httptools.parse_url(self.url).path.decode("latin-1")
        method = self.parser.get_method().decode("latin-1")
        candidates = (each.find(method, path) for each in self._door.upgrades if each.token == wanted)
        return next((found for found in candidates if found is not None), None)

    def _begin_body(self) -> None:
        named = dict(self.headers)
        if b"transfer-encoding" in named:
            raise InvalidInput("the body of an upgrade request must not be chunked", hint="send its Content-Length")
        self._length = self._missing = int(named.get(b"content-length", b"0"))
        within(self._length)
        self._body = bytearray()
        if self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _without_upgrade(self) -> bytes:
        """The head that was just read, as one that wants nothing unusual.

        To ask for an upgrade is no more than a wish (RFC 9110, 7.8), but the parser would not read on.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise InvalidInput("this is no proxy")
        close = any(name == b"connection" and b"close" in value.lower() for name, value in self.headers)
        kept = [(name, value) for name, value in self.headers if name not in (b"connection", b"upgrade")]
        lines = [b"%b: %b\r\n" % header for header in [*kept, *[(b"connection", b"close")][: int(close)]]]
        version = self.parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))

    def on_message_complete(self) -> None:
        self._between = True
        if not self.parser.should_upgrade():
            super().on_message_complete()

    # -- the upgrade -------------------------------------------------------------------------------

    def _complete(self, behind: bytes) -> None:
        """The whole request is here; bytes from now on are not HTTP, and stay in the socket for who gets it."""
        self._head_is_here()
        self.flow.pause_reading()
        self._waiting = behind
        if self.cycle is None or self.cycle.response_complete:
            self._begin()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._waiting is not None and not self.pipeline and self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.flow.pause_reading()
            self._begin()

    def _begin(self) -> None:
        assert self._upgrade is not None and self._waiting is not None  # noqa: S101 - for the type checker
        behind, self._waiting = self._waiting, None
        task = self.loop.create_task(self._switch(self._upgrade, behind))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _switch(self, upgrade: Upgrade, behind: bytes) -> None:
        start = time.perf_counter()
        # Ours whatever becomes of the transport: once prepared, there must be a socket to hand over.
        plain = self.transport.get_extra_info("socket").dup()
        try:
            handoff = await self._prepare(upgrade, behind)
        except Exception as error:
            plain.close()
            if not isinstance(error, WirtError):
                _log.exception("%s failed", upgrade.operation)
            self._note(upgrade, self._refuse(error, keep=not behind), start)
            return
        self._note(upgrade, 101, start)
        sock = await self._leave_http(plain, _switching(handoff))
        await handoff.connect(sock)

    async def _prepare(self, upgrade: Upgrade, behind: bytes) -> Handoff:
        if behind:
            raise InvalidInput("bytes follow the request", hint="wait for the answer 101 before sending frames")
        return await upgrade.prepare(bytes(self._body))

    async def _leave_http(self, plain: socket.socket, head: bytes) -> socket.socket:
        """Send the last of HTTP and give up the transport; the socket to hand over."""
        if self.transport.get_extra_info("ssl_object") is not None:
            plain.close()
            self.transport.write(head)
            self.connections.discard(self)
            return await bridge(self.transport, self.connections)
        self.transport.set_write_buffer_limits(high=0)  # what is not sent at once makes the next line wait
        self.transport.write(head)
        if self.flow.write_paused:
            await self.flow.drain()
        self.transport.abort()  # closes its own descriptor; the connection lives on in ours
        return plain

    def _note(self, upgrade: Upgrade, status: int, start: float) -> None:
        seconds = time.perf_counter() - start
        self._door.timings.note(upgrade.operation, status, seconds)
        log_request("POST", self.url.decode("latin-1"), status, seconds, self._peer)

    # -- errors ------------------------------------------------------------------------------------

    def _refuse(self, error: Exception, *, keep: bool = False) -> int:
        """Answer with an error; ``keep``: the connection can go on with another request. Gives the status."""
        status, body = answer(error)
        if self.cycle is None or self.cycle.response_complete:  # else it would land in the middle of another answer
            self.transport.write(_response(status, body, keep=keep))
        if keep and not self.transport.is_closing():
            self._renew_parser()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
            self.flow.resume_reading()
        else:
            self.transport.close()
        return status

    def send_400_response(self, msg: str) -> None:
        self._refuse(InvalidInput(msg))


def _switching(handoff: Handoff) -> bytes:
    head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: wirt\r\n"
    guest = f"Wirt-Guest: {handoff.guest_id}\r\n"
    warnings = f"Wirt-Warnings: {json.dumps(list(handoff.warnings))}\r\n" if handoff.warnings else ""
    return f"{head}{guest}{warnings}\r\n".encode("latin-1")


def _response(status: int, body: bytes, *, keep: bool) -> bytes:
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n" + ("" if keep else "Connection: close\r\n") + "\r\n"
    )
    return head.encode("latin-1") + body


async def _unauthorized(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The answer to whoever has no token: 401, as RFC 6750 asks, with the usual body."""
    _, body = answer(Forbidden("an accepted token is needed", hint="send 'Authorization: Bearer TOKEN'"))
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"www-authenticate", b'Bearer realm="wirt"'),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _peer(sock: Any) -> str:
    """Who is at the other end, for the log."""
    if sock.family == socket.AF_UNIX:
        pid, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        return f"uid {uid} pid {pid}"
    host, port, *_ = sock.getpeername()
    return f"{host} port {port}"
