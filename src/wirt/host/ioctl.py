"""ioctl(2), with the request's name in the error."""

from __future__ import annotations

import ctypes
import fcntl
import os

__all__ = ["ioctl"]


def ioctl(
    fd: int, request: int, argument: int | ctypes.Structure | ctypes.Array[ctypes.c_char] = 0, *, call: str
) -> int:
    """ioctl(2). A structure is read and written in place; other threads run meanwhile. ``call`` names the request."""
    try:
        return (
            fcntl.ioctl(fd, request, argument, True)
            if not isinstance(argument, int)
            else fcntl.ioctl(fd, request, argument)
        )
    except OSError as error:
        raise OSError(error.errno, f"{call}: {os.strerror(error.errno or 0)}") from None
