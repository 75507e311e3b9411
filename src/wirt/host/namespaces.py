"""unshare(2) and setns(2) (the ``os`` module has them only since Python 3.12)."""

from __future__ import annotations

import ctypes

from wirt.host.libc import checked, libc

__all__ = ["setns", "unshare"]


def unshare(flags: int) -> None:
    """unshare(2): only the calling thread changes, but for CLONE_NEWPID."""
    checked(libc.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, flags: int = 0) -> None:
    """setns(2): ``fd`` is a namespace file or a pidfd; only the calling thread moves."""
    checked(libc.setns(ctypes.c_int(fd), ctypes.c_int(flags)), "setns")
