"""Reading guests' logs: what is recorded, and what follows.

The keeper writes (``keeper/log.py``); this only reads, so it works whether or not the guest or its keeper still live.
"""

from __future__ import annotations

import asyncio
import base64
import calendar
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from wirt.keeper.frames import FrameType, encode
from wirt.model.wire import LogQuery

__all__ = ["follow", "recorded"]

# How often a followed log is looked at. A guest's output is seen a tenth of a second late at most, and a reader
# costs a stat(2) for each look.
_LOOK_EVERY = 0.1
_BATCH = 64 << 10


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the file as it stands (keeper/log.py)."""

    stream: str
    time: str
    log: str = ""
    b64: str = ""


@dataclass(slots=True)
class _Line:
    """A line of output, or a piece of one that comes in several."""

    stream: FrameType
    stamp: str
    data: bytes

    @property
    def seconds(self) -> float:
        whole, _, fraction = self.stamp.rstrip("Z").partition(".")
        return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")


_decoder = msgspec.json.Decoder(_Entry)


class _Renderer:
    """Lines to frames, as the query wants them."""

    def __init__(self, query: LogQuery) -> None:
        self._query = query
        self._at_start = {FrameType.STDOUT: True, FrameType.STDERR: True}

    def wanted(self, line: _Line) -> bool:
        query = self._query
        if not (query.stdout if line.stream is FrameType.STDOUT else query.stderr):
            return False
        if not (query.since or query.until):
            return True
        return (not query.since or line.seconds >= query.since) and (not query.until or line.seconds <= query.until)

    def frame(self, line: _Line) -> bytes:
        data = line.data
        if self._query.timestamps and self._at_start[line.stream]:
            data = line.stamp.encode() + b" " + data
        self._at_start[line.stream] = line.data.endswith(b"\n")
        return encode(line.stream, data)


def _parse(raw: bytes) -> Iterator[_Line]:
    """The lines of one entry; none for what is no entry of ours: a write torn by a loss of power."""
    try:
        entry = _decoder.decode(raw)
        data = base64.b64decode(entry.b64) if entry.b64 else entry.log.encode()
    except (msgspec.DecodeError, ValueError):
        return
    stream = FrameType.STDERR if entry.stream == "stderr" else FrameType.STDOUT
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield _Line(stream, entry.time, data[start:end])
        start = end


class _Reader:
    """Reads a log from its oldest line on, through rotations, as far as it has been written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def recorded(self) -> Iterator[_Line]:
        """Everything that is there; later calls of ``new_lines`` go on from its end."""
        # The newest file is opened before the others are listed: rotated meanwhile, it is not read twice.
        newest = self._open()
        for file in self._rotated():
            with contextlib.suppress(FileNotFoundError), file.open("rb") as older:
                if newest is None or not os.path.sameopenfile(older.fileno(), newest.fileno()):
                    yield from self._rest(older)
        yield from self.new_lines()

    def new_lines(self) -> Iterator[_Line]:
        """Whole lines that were written since; over into the next files when this one was rotated away."""
        while (file := self._open()) is not None:
            yield from self._rest(file)
            following = self._following(file)
            if following is None:
                return
            yield from self._rest(file)  # what came between the last read and the rotation
            self.close()
            self._file = following

    def _following(self, file: BinaryIO) -> BinaryIO | None:
        """The file that came after ``file``, open; None while ``file`` is the newest.

        More than one rotation may have passed since the last look. Where ``file`` itself is gone from the disk, its
        follower may be too: then the oldest that is left goes on.
        """
        later: BinaryIO | None = None
        for path in [self._path, *reversed(self._rotated())]:  # newest first
            try:
                candidate = path.open("rb")
            except FileNotFoundError:
                continue
            if os.path.sameopenfile(candidate.fileno(), file.fileno()):
                candidate.close()
                return later
            if later is not None:
                later.close()
            later = candidate
        return later

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rest(self, file: BinaryIO) -> Iterator[_Line]:
        while raw := file.readline():
            if not raw.endswith(b"\n"):
                file.seek(-len(raw), os.SEEK_CUR)
                return
            yield from _parse(raw)

    def _rotated(self) -> list[Path]:
        """Oldest first."""
        files = [file for file in self._path.parent.glob(self._path.name + ".*") if file.suffix[1:].isdigit()]
        return sorted(files, key=lambda file: -int(file.suffix[1:]))

    def _open(self) -> BinaryIO | None:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except FileNotFoundError:
                return None
        return self._file


def _tail(lines: Iterator[_Line], count: int) -> Iterator[_Line]:
    """The pieces that make up the last ``count`` lines; a line may come in several pieces."""
    kept: deque[list[_Line]] = deque(maxlen=count)
    open_lines: dict[FrameType, list[_Line]] = {}
    for line in lines:
        pieces = open_lines.get(line.stream)
        if pieces is None:
            pieces = open_lines[line.stream] = []
            kept.append(pieces)
        pieces.append(line)
        if line.data.endswith(b"\n"):
            del open_lines[line.stream]
    for pieces in kept:
        yield from pieces


def recorded(path: Path, query: LogQuery) -> Iterator[bytes]:
    """What is in the log now, as frames, in batches."""
    reader = _Reader(path)
    try:
        yield from _batches(reader, _Renderer(query), query)
    finally:
        reader.close()


def _batches(reader: _Reader, renderer: _Renderer, query: LogQuery) -> Iterator[bytes]:
    lines: Iterator[_Line] = (line for line in reader.recorded() if renderer.wanted(line))
    if query.tail is not None:
        lines = _tail(lines, query.tail)
    batch = bytearray()
    for line in lines:
        batch += renderer.frame(line)
        if len(batch) >= _BATCH:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


async def follow(path: Path, query: LogQuery, running: Callable[[], bool]) -> AsyncGenerator[bytes, None]:
    """What is recorded, then what comes, until the guest has ended and all is read, or ``until`` has passed."""
    reader, renderer = _Reader(path), _Renderer(query)
    try:
        batches = _batches(reader, renderer, query)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            yield batch
        while True:
            # Asked before reading: what was written before the end is then read after it.
            ended = not running() or bool(query.until and time.time() > query.until)
            if frames := b"".join(renderer.frame(line) for line in reader.new_lines() if renderer.wanted(line)):
                yield frames
            elif ended:
                return
            else:
                await asyncio.sleep(_LOOK_EVERY)
    finally:
        reader.close()
