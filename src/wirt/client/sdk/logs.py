"""Logs come as frames; a person wants text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from wirt.client import frames

__all__ = ["log_lines", "log_text"]


def log_text(pieces: Iterable[bytes]) -> str:
    """All of it, both streams as they were written."""
    reader = frames.FrameReader()
    return b"".join(bytes(data) for piece in pieces for _, data in reader.feed(memoryview(piece))).decode(
        errors="replace"
    )


def log_lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """Line by line, without line ends; each stream's lines stay whole."""
    reader = frames.FrameReader()
    open_lines: dict[int, str] = {}
    decoders = {kind: codecs.getincrementaldecoder("utf-8")("replace") for kind in (frames.STDOUT, frames.STDERR)}
    for piece in pieces:
        for kind, data in reader.feed(memoryview(piece)):
            if kind not in decoders:
                continue
            *whole, rest = (open_lines.get(kind, "") + decoders[kind].decode(bytes(data))).split("\n")
            open_lines[kind] = rest
            yield from whole
    yield from (line for line in open_lines.values() if line)
