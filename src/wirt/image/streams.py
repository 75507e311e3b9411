"""Streams on their way: recognized by their first bytes, decompressed, digested and compressed in threads.

hashlib, zlib, zstandard and read(2) all let other threads run meanwhile, so a stage in a thread of its own costs a
queue and saves its whole time on a second processor.
"""

from __future__ import annotations

import bz2
import contextlib
import enum
import gzip
import hashlib
import io
import lzma
import queue
import threading
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import zstandard

from wirt.errors import CorruptData
from wirt.host.tarfs import Readable

try:
    from isal import igzip, isal_zlib  # Intel's gzip: the same format, three times as fast
except ImportError:  # this architecture has none
    igzip, isal_zlib = cast(Any, gzip), cast(Any, zlib)

__all__ = ["PIECE", "Compression", "Gzip", "ReadAhead", "Sha256", "Tap", "WriteBehind", "decompressed"]

PIECE = 256 * 1024  # bytes that go from stage to stage at once
_QUEUE = 16  # pieces between two stages
_BACKGROUND = 1024 * 1024  # bytes that are digested at once; a thread would cost more
_GZIP_DAMAGE = cast(type[Exception], isal_zlib.error)
_MAX_WINDOW = 128 * 1024 * 1024  # memory a zstd stream may make us take; `zstd --long` goes so far by default


class Compression(enum.Enum):
    """How a stream is packed, told by its first bytes."""

    NONE = "tar"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    BZIP2 = "bzip2"

    @classmethod
    def of(cls, head: bytes) -> Compression:
        """``head``: the first six bytes or more."""
        if head[:2] == b"\x1f\x8b":
            return cls.GZIP
        if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
            return cls.ZSTD  # a frame, or one that is to be skipped (RFC 8878, 3.1)
        if head[:6] == b"\xfd7zXZ\0":
            return cls.XZ
        if head[:3] == b"BZh":
            return cls.BZIP2
        return cls.NONE


def decompressed(stream: Readable) -> tuple[Readable, Compression]:
    """What is in ``stream``, and how it was packed. Damage raises CorruptData while reading."""
    head = b""
    while len(head) < 6 and (more := stream.read(6 - len(head))):
        head += more
    compression = Compression.of(head)
    whole = _Rejoined(head, stream)
    if compression is Compression.NONE:
        return whole, compression
    return _Decompressing(whole, compression), compression


class _Rejoined(io.RawIOBase):
    """A stream with its first bytes put back, and with all that decompressors ask of a file."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def read(self, size: int = -1, /) -> bytes:
        if self._head:
            piece, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
            return piece
        return self._stream.read(size)


class _Decompressing:
    """All members of a compressed stream, one after the other."""

    def __init__(self, stream: Readable, compression: Compression) -> None:
        self._what = compression.value
        self._reader = _reader(cast(BinaryIO, stream), compression)

    def read(self, size: int, /) -> bytes:
        try:
            return self._reader.read(size)
        except (zlib.error, _GZIP_DAMAGE, lzma.LZMAError, EOFError, zstandard.ZstdError) as error:
            raise CorruptData(f"the {self._what} data is damaged or cut short: {error}") from error
        except OSError as error:
            if error.errno is not None:
                raise
            raise CorruptData(f"the {self._what} data is damaged: {error}") from error  # how gzip and bz2 say it


def _reader(file: BinaryIO, compression: Compression) -> Readable:
    match compression:
        case Compression.GZIP:
            return cast(Readable, igzip.GzipFile(fileobj=file, mode="rb"))
        case Compression.XZ:
            return lzma.LZMAFile(file)
        case Compression.BZIP2:
            return bz2.BZ2File(file)
        case Compression.ZSTD:
            unpacker = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
            return unpacker.stream_reader(file, read_across_frames=True, closefd=False)
        case Compression.NONE:
            return file


class Gzip:
    """Plain bytes in, gzip out; the same for the same pieces."""

    def __init__(self) -> None:
        # Level 1, and a gzip header (zlib.compressobj's wbits) without a time in it.
        self._packer = isal_zlib.compressobj(1, zlib.DEFLATED, 31)

    def pack(self, data: bytes | memoryview) -> bytes:
        """What can be said of ``data`` so far, maybe nothing."""
        return bytes(self._packer.compress(data))

    def end(self) -> bytes:
        """The rest."""
        return bytes(self._packer.flush())


class Sha256:
    """The digest and size of what passes; in a thread of its own once it is much."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._behind: WriteBehind | None = None
        self.size = 0

    def update(self, data: bytes | memoryview) -> None:
        """``data`` must not change any more."""
        self.size += len(data)
        if self._behind is not None:
            self._behind.write(data)
            return
        self._hash.update(data)
        if self.size > _BACKGROUND:
            self._behind = WriteBehind(self._hash.update)

    def digest(self) -> str:
        """ "sha256:..." of everything so far; nothing may follow."""
        self.close()
        return f"sha256:{self._hash.hexdigest()}"

    def close(self) -> None:
        if self._behind is not None:
            self._behind.close()


class Tap:
    """A stream whose every piece is shown to others on its way."""

    def __init__(self, stream: Readable, *others: Callable[[bytes], object]) -> None:
        self._stream = stream
        self._others = others

    def read(self, size: int, /) -> bytes:
        piece = self._stream.read(size)
        for other in self._others:
            other(piece)
        return piece

    def drain(self) -> None:
        """Reads to the end, for the others' sake."""
        while self.read(PIECE):
            pass


class ReadAhead:
    """A stream that is read, by a thread, before it is asked for. What goes wrong there is raised by ``read``."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(_QUEUE)
        self._piece = b""
        self._stopped = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)
        self._thread.start()

    def read(self, size: int, /) -> bytes:
        if not self._piece and not self._ended:
            piece = self._pieces.get()
            if isinstance(piece, BaseException):
                self._ended = True
                raise piece
            self._piece, self._ended = piece, not piece
        part, self._piece = self._piece[:size], self._piece[size:]
        return part

    def close(self) -> None:
        """Ends the thread; what it read is lost."""
        self._stopped.set()
        while not self._ended and self._thread.is_alive():  # it may wait for room in the queue
            with contextlib.suppress(queue.Empty):
                self._pieces.get(timeout=0.05)
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                piece = self._stream.read(PIECE)
                self._pieces.put(piece)
                if not piece:
                    return
        except BaseException as error:
            self._pieces.put(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class WriteBehind:
    """``write`` returns at once; a thread calls ``target``. What goes wrong there is raised by a later call."""

    def __init__(self, target: Callable[[bytes | memoryview], object]) -> None:
        self._target = target
        self._pieces: queue.Queue[bytes | memoryview | None] = queue.Queue(_QUEUE)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write-behind", daemon=True)
        self._thread.start()

    def write(self, data: bytes | memoryview) -> None:
        self._pieces.put(data)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Waits until all is written. May be called twice."""
        if self._thread.is_alive():
            self._pieces.put(None)
            self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self._error is None:
                try:
                    self._target(piece)
                except BaseException as error:
                    self._error = error  # go on taking pieces: whoever writes must not wait for ever
