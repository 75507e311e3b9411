"""The C library, and the one helper that turns -1 into ``OSError``."""

from __future__ import annotations

import ctypes
import os

__all__ = ["checked", "libc"]

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, call: str, *names: str) -> int:
    """``result`` of a libc call, unless it is -1: then ``OSError`` with errno, the call's name and the paths it had."""
    if result == -1:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{call}: {os.strerror(errno)}", *names[:1])
    return result
