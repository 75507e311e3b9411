"""One HTTP/1.1 connection: requests with or without a body, replies whole or as they come, upgrades to a bare socket.

Only what our own daemon speaks (RFC 9112): no redirects, no trailers, no compression. A body given piece by piece is
sent *while* the reply is read: the daemon reports progress on an upload that has not ended, and may refuse it early.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket as Socket  # noqa: N812
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Connection", "Response"]

_PIECE = 256 * 1024  # bytes a read; large enough that Python's share of a transfer disappears
_MAX_HEAD = 64 * 1024
_DONTWAIT = 0x40  # MSG_DONTWAIT, socket.h; spares the import of _socket to who got the socket from elsewhere
_NO_SIGNAL = 0x4000  # MSG_NOSIGNAL: a lost peer is an error, also where a program wants SIGPIPE for its own output


class Connection:
    """``host`` is what the server is told it is called, ``token`` the bearer token to send, or ""."""

    def __init__(self, sock: Socket, *, host: str = "wirt", token: str = "") -> None:
        self._sock = sock
        self._fixed = f"Host: {host}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        self._buffer = bytearray()
        self._upload: Iterator[bytes] | None = None
        self._unsent = b""

    def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> Response:
        """Sends a request (``target`` is quoted already) and reads the head of its reply.

        ``body`` of pieces goes out in chunks, from inside the reads of the reply. ``meanwhile`` is called between the
        two, for work that would only make the server wait before. ``OSError`` when the peer is lost.
        """
        lines = [f"{method} {target} HTTP/1.1\r\n{self._fixed}"]
        lines += [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
        whole = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            lines.append("Transfer-Encoding: chunked\r\n")
            self._upload = _chunked(body)
        elif body is not None or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(whole)}\r\n")
        self._sock.sendall("".join([*lines, "\r\n"]).encode("latin-1") + whole, _NO_SIGNAL)
        if meanwhile is not None:
            meanwhile()
        return self._read_head(method)

    def release(self) -> tuple[Socket, bytes]:
        """After status 101: the socket, no longer ours, and what already arrived on it."""
        return self._sock, bytes(self._buffer)

    def close(self) -> None:
        self._sock.close()

    def _read_head(self, method: str) -> Response:
        while True:
            while (end := self._buffer.find(b"\r\n\r\n")) < 0:
                if len(self._buffer) > _MAX_HEAD or not self.fill():
                    raise ConnectionResetError("the daemon closed the connection without an answer")
            lines = self._buffer[:end].decode("latin-1").split("\r\n")
            del self._buffer[: end + 4]
            version, _, status = lines[0].partition(" ")
            if not version.startswith("HTTP/1.") or not status[:3].isdecimal():
                raise ConnectionResetError("what listens there does not speak HTTP")
            if not status.startswith("1") or status.startswith("101"):
                break
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return Response(self, int(status[:3]), headers, empty=method == "HEAD")

    def fill(self) -> bool:
        """Waits until more has arrived, feeding what is left of the body meanwhile; False at the end of the stream."""
        while self._upload is not None:
            from select import POLLIN, POLLOUT, poll

            waiter = poll()
            waiter.register(self._sock, POLLIN | POLLOUT)
            if waiter.poll()[0][1] & ~POLLOUT:  # the answer first: it may tell us to stop
                break
            self._send_some(self._upload)
        piece = self._sock.recv(_PIECE)
        self._buffer += piece
        return bool(piece)

    def _send_some(self, upload: Iterator[bytes]) -> None:
        self._unsent = self._unsent or next(upload, b"")
        try:
            sent = self._sock.send(self._unsent, _DONTWAIT | _NO_SIGNAL)
        except BlockingIOError:
            return
        except OSError:  # the server has heard enough: its reply says why
            sent, self._unsent = 0, b""
        self._unsent = self._unsent[sent:]
        if not sent:
            self._upload = None

    def take(self, count: int) -> bytes:
        """At least one and at most ``count`` bytes, as they come; b"" at the end of the stream."""
        if not self._buffer and not self.fill():
            return b""
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        return piece

    def take_line(self) -> bytes:
        """One line, its end cut off."""
        while (end := self._buffer.find(b"\n")) < 0:
            if not self.fill():
                raise ConnectionResetError("the daemon closed the connection in the middle of its answer")
        line = bytes(self._buffer[:end]).rstrip(b"\r")
        del self._buffer[: end + 1]
        return line


class Response:
    """A reply: ``status``, ``headers`` (names in lower case), and a body that can be read once, in any of these ways.

    It reads like a binary file (``read``), iterates over pieces as they come, and splits into ``lines``.
    """

    def __init__(self, connection: Connection, status: int, headers: Mapping[str, str], *, empty: bool) -> None:
        self.connection = connection
        self.status = status
        self.headers = headers
        self._pieces = iter(()) if empty or status in (101, 204, 304) else self._body()
        self._rest = memoryview(b"")  # of the latest piece, what read() left

    def __iter__(self) -> Iterator[bytes]:
        if self._rest:
            piece, self._rest = bytes(self._rest), memoryview(b"")
            yield piece
        yield from self._pieces

    def __enter__(self) -> Response:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """``size`` bytes, fewer only at the end; all of it for a negative ``size``."""
        parts, missing = [], size
        while missing:
            if not self._rest:
                self._rest = memoryview(next(self._pieces, b""))
                if not self._rest:
                    break
            part = self._rest if missing < 0 else self._rest[:missing]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            missing -= len(part) if missing > 0 else 0
        return b"".join(parts)

    def lines(self) -> Iterator[bytes]:
        """The body's lines as soon as each is there, without line ends; empty ones are left out."""
        rest = bytearray()
        for piece in self:
            rest += piece
            *whole, last = rest.split(b"\n")
            rest = last
            yield from (bytes(line) for line in whole if line)
        if rest:
            yield bytes(rest)

    def close(self) -> None:
        self.connection.close()

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        if "content-length" in self.headers:
            return self._counted(int(self.headers["content-length"]))
        return iter(lambda: self.connection.take(_PIECE), b"")

    def _counted(self, left: int) -> Iterator[bytes]:
        while left:
            piece = self.connection.take(left)
            if not piece:
                raise ConnectionResetError("the daemon closed the connection in the middle of its answer")
            left -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.connection.take_line().partition(b";")[0], 16):
            yield from self._counted(size)
            self.connection.take_line()
        self.connection.take_line()


def _chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if piece:  # an empty chunk would end the body
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
