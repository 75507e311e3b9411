"""mount(2), umount2(2), and what is mounted now."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator

from wirt.abi.linux.mount import MNT_DETACH, MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT, UMOUNT_NOFOLLOW
from wirt.host.libc import checked, libc

__all__ = ["bind", "is_mounted", "mount", "mounted_below", "unmount"]


def mount(source: str, target: str, fstype: str | None, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    fs = fstype.encode() if fstype else None
    options = data.encode() if data else None
    checked(libc.mount(os.fsencode(source), os.fsencode(target), fs, ctypes.c_ulong(flags), options), "mount", target)


def bind(source: str, target: str, *, read_only: bool = False, recursive: bool = True) -> None:
    """A private bind mount; the read-only bit of a bind mount takes a second call (mount(2), NOTES)."""
    deep = MS_REC if recursive else 0
    mount(source, target, None, MS_BIND | deep)
    mount("", target, None, MS_PRIVATE | deep)
    if read_only:
        mount("", target, None, MS_REMOUNT | MS_BIND | MS_RDONLY)


def unmount(target: str, *, lazy: bool = False) -> None:
    """umount2(2), never through a symbolic link. What is not mounted is no error."""
    flags = UMOUNT_NOFOLLOW | (MNT_DETACH if lazy else 0)
    try:
        checked(libc.umount2(os.fsencode(target), flags), "umount2", target)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOENT):
            raise


def mounted_below(folder: str) -> list[str]:
    """Every mount point at or below ``folder``, deepest first, from /proc/self/mountinfo (proc_pid_mountinfo(5))."""
    prefix = folder.rstrip("/") + "/"
    found = [point for point in _mount_points() if point == folder or point.startswith(prefix)]
    return sorted(found, key=len, reverse=True)


def is_mounted(target: str) -> bool:
    """Whether something is mounted at exactly ``target``."""
    with contextlib.suppress(OSError):
        return os.path.ismount(target)
    return False


def _mount_points() -> Iterator[str]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            # The kernel writes space, tab, newline and backslash as octal escapes.
            field = line.split(" ", 5)[4]
            yield field.encode("latin-1", "surrogateescape").decode("unicode_escape") if "\\" in field else field
