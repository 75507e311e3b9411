"""What is wrong with the monitor itself, as lines on the guest's standard error: no traceback, and few of them.

What a guest has put in the place of its standard error is the guest's, and nothing is written there.
"""

from __future__ import annotations

import logging
import mmap
import os

__all__ = ["MOST", "begin"]

MOST = 16  # lines of all processes of a guest
_LONGEST = 200


class _Complaints(logging.Handler):
    """The count is in memory that forks share."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._stream = _about(2)
        self._told = mmap.mmap(-1, mmap.PAGESIZE)

    def emit(self, record: logging.LogRecord) -> None:
        told = self._told[0]
        if told >= MOST or not self._stream or _about(2) != self._stream:
            return
        self._told[0] = told + 1
        error = record.exc_info[1] if record.exc_info else None
        reason = f": {type(error).__name__}" if error is not None else ""
        line = f"wirt: {record.getMessage()[:_LONGEST]}{reason}\n"
        try:
            os.write(2, line.encode("utf-8", "backslashreplace"))
        except OSError:
            return


def begin() -> None:
    """In a guest's first process, while standard error is what it was given."""
    logger = logging.getLogger("wirt")
    logger.handlers[:] = [_Complaints()]
    logger.propagate = False


def _about(fd: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino
