"""ioctl(2), with the request's name in the error."""

from __future__ import annotations

import ctypes

from wirt.host.libc import checked, libc

__all__ = ["ioctl"]


def ioctl(
    fd: int, request: int, argument: int | ctypes.Structure | ctypes.Array[ctypes.c_char] = 0, *, call: str
) -> int:
    """ioctl(2). A structure is read and written in place; other threads run meanwhile. ``call`` names the request.

    Unlike ``fcntl.ioctl`` it takes whole words, which addresses need.
    """
    value = ctypes.c_ulong(argument) if isinstance(argument, int) else ctypes.byref(argument)
    return checked(libc.ioctl(ctypes.c_int(fd), ctypes.c_ulong(request), value), call)
