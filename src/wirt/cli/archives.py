"""Tar archives between the daemon and our files or pipes."""

from __future__ import annotations

import os
import sys

from wirt.cli.options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from wirt.client.connection import Response

__all__ = ["open_input", "pieces", "save_to"]

_PIECE = 1 << 18


def save_to(name: str | None, request: Callable[[], Response]) -> None:
    """Writes what ``request`` answers to the file ``name``, whole or not at all; to standard output for None or "-"."""
    if name is None or name == "-":
        if os.isatty(1):
            raise UsageError("an archive would upset the terminal: use -o FILE or a pipe")
        with request() as response:
            for piece in response:
                _write(1, piece)
        return
    aside = f"{name}.partial"
    with request() as response:
        try:
            with open(aside, "wb") as file:
                for piece in response:
                    file.write(piece)
            os.replace(aside, name)
        except BaseException:
            if os.path.exists(aside):
                os.unlink(aside)
            raise


def open_input(name: str | None, verb: str) -> BinaryIO:
    """The file ``name``, or standard input for None or "-"."""
    if name is not None and name != "-":
        return open(name, "rb")
    if os.isatty(0):
        raise UsageError("an archive cannot be typed: name a file or use a pipe", verb)
    return sys.stdin.buffer


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """What is in ``file``, as it can be had."""
    while piece := os.read(file.fileno(), _PIECE):
        yield piece


def _write(fd: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(fd, rest) :]
