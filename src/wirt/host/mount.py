"""mount(2), umount2(2), mounts of other namespaces, and what is mounted now."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator

from wirt.abi.linux.mount import (
    AT_FDCWD,
    AT_SYMLINK_NOFOLLOW,
    MNT_DETACH,
    MOVE_MOUNT_F_EMPTY_PATH,
    MS_BIND,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    OPEN_TREE_CLONE,
    UMOUNT_NOFOLLOW,
    SYS_move_mount,
    SYS_open_tree,
)
from wirt.abi.linux.sched import CLONE_FS, CLONE_NEWNS
from wirt.host.libc import checked, libc
from wirt.host.namespaces import setns, unshare

__all__ = ["bind", "bind_from", "is_mounted", "mount", "mounted_below", "unmount"]


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


def bind_from(pid: int, source: str, target: str) -> None:
    """A private bind mount on ``target`` of ``source`` as the process ``pid`` sees it; Linux 5.2.

    mount(2) binds nothing out of another mount namespace, but a detached copy made in there can be put anywhere.
    """
    from concurrent.futures import ThreadPoolExecutor  # not in every monitor's memory

    with ThreadPoolExecutor(1) as alone:  # this thread's namespace is not to change
        tree = alone.submit(_open_tree, pid, source).result()
    try:
        checked(
            libc.syscall(
                ctypes.c_long(SYS_move_mount),
                ctypes.c_int(tree),
                b"",
                ctypes.c_int(AT_FDCWD),
                os.fsencode(target),
                ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH),
            ),
            "move_mount",
            target,
        )
    finally:
        os.close(tree)
    mount("", target, None, MS_PRIVATE)


def _open_tree(pid: int, path: str) -> int:
    unshare(CLONE_FS)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(namespace, CLONE_NEWNS)
    finally:
        os.close(namespace)
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC | AT_SYMLINK_NOFOLLOW
    return checked(
        libc.syscall(ctypes.c_long(SYS_open_tree), ctypes.c_int(AT_FDCWD), os.fsencode(path), ctypes.c_uint(flags)),
        "open_tree",
        path,
    )


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
