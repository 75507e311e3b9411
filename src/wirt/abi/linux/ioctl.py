"""<asm-generic/ioctl.h>: how a request number holds its direction, the size of its argument, its type and its number.

A number is derived from the structure that goes with it, so that a wrong layout shows as a wrong number in a test.
"""

from __future__ import annotations

import ctypes

__all__ = ["IO", "IOR", "IOW", "IOWR"]

_NONE, _WRITE, _READ = 0, 1, 2

Layout = type[ctypes.Structure] | type[ctypes.c_int] | type[ctypes.c_long]


def _number(direction: int, kind: int, nr: int, size: int) -> int:
    return direction << 30 | size << 16 | kind << 8 | nr


def IO(kind: int, nr: int) -> int:  # noqa: N802 - the kernel's names, less the underscore
    """A request without a structure."""
    return _number(_NONE, kind, nr, 0)


def IOR(kind: int, nr: int, layout: Layout) -> int:  # noqa: N802
    """The kernel fills ``layout``."""
    return _number(_READ, kind, nr, ctypes.sizeof(layout))


def IOW(kind: int, nr: int, layout: Layout) -> int:  # noqa: N802
    """The kernel reads ``layout``."""
    return _number(_WRITE, kind, nr, ctypes.sizeof(layout))


def IOWR(kind: int, nr: int, layout: Layout) -> int:  # noqa: N802
    """Both."""
    return _number(_READ | _WRITE, kind, nr, ctypes.sizeof(layout))
