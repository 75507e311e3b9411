"""Frames on an upgraded connection between a client and a keeper (docs/architecture.md, "Streams").

Eight bytes of header (type, three zero bytes, length as big-endian u32), then the payload. Types 0 to 2 are laid out
as in Docker's multiplexed streams.
"""

from __future__ import annotations

import enum
import struct

__all__ = ["MAX_PAYLOAD", "FrameError", "FrameReader", "FrameType", "encode", "encode_exit"]

_HEADER = struct.Struct(">BxxxI")

MAX_PAYLOAD = 1 << 20  # bytes; a client that sends more in one frame is cut off


class FrameType(enum.IntEnum):
    STDIN = 0  # client to keeper; empty: end of input
    STDOUT = 1
    STDERR = 2
    EXIT = 3  # i32 exit code; the last frame
    RESIZE = 4  # client to keeper: u16 rows, u16 columns
    SIGNAL = 5  # client to keeper: a signal's name or number as text
    ERROR = 6  # an error body as JSON; an EXIT follows
    DETACHED = 7  # the detach keys were typed; the connection ends


class FrameError(ValueError):
    """The peer does not speak frames."""


def encode(kind: FrameType, payload: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


def encode_exit(code: int) -> bytes:
    return encode(FrameType.EXIT, struct.pack(">i", code))


class FrameReader:
    """Turns received bytes, however they were split, into frames."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[FrameType, bytes]]:
        """The frames that ``data`` completes. ``FrameError`` on an unknown type or an oversized frame."""
        self._buffer += data
        frames: list[tuple[FrameType, bytes]] = []
        start = 0
        while len(self._buffer) - start >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._buffer, start)
            if length > MAX_PAYLOAD or kind > FrameType.DETACHED:
                raise FrameError(f"not a frame: type {kind}, {length} bytes")
            end = start + _HEADER.size + length
            if len(self._buffer) < end:
                break
            frames.append((FrameType(kind), bytes(self._buffer[start + _HEADER.size : end])))
            start = end
        del self._buffer[:start]
        return frames
