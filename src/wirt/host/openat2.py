"""openat2(2): open a path without leaving a root, whatever symbolic links a guest or an image planted."""

from __future__ import annotations

import ctypes
import os

from wirt.abi.linux.openat2 import (
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
    SYS_openat2,
)
from wirt.host.libc import checked, libc

__all__ = ["OpenHow", "open_child_folder", "open_in_root"]


class OpenHow(ctypes.Structure):
    """struct open_how, 24 bytes."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def _openat2(folder: int, path: str, flags: int, mode: int, resolve: int) -> int:
    how = OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    return checked(
        libc.syscall(
            ctypes.c_long(SYS_openat2),
            ctypes.c_int(folder),
            os.fsencode(path),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        ),
        "openat2",
        path,
    )


def open_in_root(root_fd: int, path: str, flags: int, mode: int = 0) -> int:
    """A descriptor for ``path`` as a process chrooted to ``root_fd`` would see it; close-on-exec."""
    return _openat2(root_fd, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)


def open_child_folder(folder: int, name: str) -> int:
    """A descriptor to list ``name`` in ``folder``: never a symbolic link, never another mount (``OSError`` EXDEV)."""
    strict = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
    return _openat2(folder, name, os.O_RDONLY | os.O_DIRECTORY, 0, strict)
