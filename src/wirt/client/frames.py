"""Frames on an upgraded connection: eight bytes of header (type, three zeros, length as big-endian u32), then payload.

The keeper's side is ``wirt.keeper.frames``; the two are written apart because neither may import the other, and
because this one has to be fast in another way: it hands out pieces of a payload as they arrive, uncopied.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from wirt.client.transport import Upgraded

__all__ = [
    "DETACHED",
    "ERROR",
    "EXIT",
    "RESIZE",
    "SIGNAL",
    "STDERR",
    "STDIN",
    "STDOUT",
    "FrameReader",
    "encode_frame",
    "encode_resize",
    "exit_code",
    "iter_frames",
]

STDIN = 0  # to the guest; empty: the end of its input
STDOUT = 1
STDERR = 2
EXIT = 3  # i32 exit code; the last frame
RESIZE = 4  # to the guest: u16 rows, u16 columns
SIGNAL = 5  # to the guest: a signal's number as text
ERROR = 6  # an error as JSON; an EXIT follows
DETACHED = 7  # the keys to detach were typed; the connection ends

_HEADER = 8


def encode_frame(kind: int, payload: bytes = b"") -> bytes:
    return bytes((kind, 0, 0, 0)) + len(payload).to_bytes(4, "big") + payload


def encode_resize(rows: int, columns: int) -> bytes:
    return encode_frame(RESIZE, rows.to_bytes(2, "big") + columns.to_bytes(2, "big"))


def exit_code(payload: bytes) -> int:
    return int.from_bytes(payload, "big", signed=True)


class FrameReader:
    """Takes received bytes however they were split."""

    __slots__ = ("_head", "_kind", "_left", "_parts")

    def __init__(self) -> None:
        self._head = b""  # of a header, what has arrived
        self._kind = 0
        self._left = 0  # bytes of the payload still to come
        self._parts = b""  # of a payload that is given out whole, what has arrived

    def feed(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Type and payload of what ``data`` brings: output in pieces as large as they came, anything else whole.

        The pieces are views of ``data``: use them before it changes.
        """
        while data:
            if not self._left:
                need = _HEADER - len(self._head)
                self._head += data[:need]
                data = data[need:]
                if len(self._head) < _HEADER:
                    return
                self._kind, self._left, self._head = self._head[0], int.from_bytes(self._head[4:], "big"), b""
                if not self._left:
                    yield self._kind, memoryview(b"")
                continue
            piece = data[: self._left]
            data = data[len(piece) :]
            self._left -= len(piece)
            if self._kind in (STDOUT, STDERR):
                yield self._kind, piece
                continue
            self._parts += piece
            if not self._left:
                whole, self._parts = self._parts, b""
                yield self._kind, memoryview(whole)


def iter_frames(connection: Upgraded) -> Iterator[tuple[int, bytes]]:
    """Type and payload of every frame until the guest's side ends the connection; output comes in pieces."""
    reader = FrameReader()
    data = connection.early or connection.socket.recv(65536)
    while data:
        for kind, piece in reader.feed(memoryview(data)):
            yield kind, bytes(piece)
        data = connection.socket.recv(65536)
