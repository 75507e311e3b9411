"""Whole trees of files, however deep a guest or an archive made them."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from wirt.abi.linux.fs import FS_APPEND_FL, FS_IMMUTABLE_FL, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS
from wirt.host.ioctl import ioctl
from wirt.host.openat2 import open_child_folder, open_in_root

__all__ = ["remove_tree", "tree_size"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path | str, *, parent_fd: int | None = None) -> None:
    """``rm -rf path``: never through a symbolic link, never into another mount; what is not there is no error.

    Attributes that chattr(1) set are lifted. ``OSError`` EXDEV or EBUSY: something is mounted inside.

    ``shutil.rmtree`` recurses and holds a descriptor a level, so a tree 1,000 folders deep stops it. Here sub-folders
    are renamed up into ``path`` first: two descriptors, no recursion, no PATH_MAX.
    """
    try:
        top = os.open(path, _FOLDER, dir_fd=parent_fd)
    except FileNotFoundError:
        return
    except OSError:  # ENOTDIR for a file, ELOOP for a link
        os.unlink(path, dir_fd=parent_fd)
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(path, dir_fd=parent_fd)


def tree_size(path: Path) -> int:
    """Bytes of every file below ``path`` but folders, hard links counted once; 0 where there is nothing."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for info in _statuses(path):
        if not stat.S_ISDIR(info.st_mode) and (info.st_dev, info.st_ino) not in seen:
            if info.st_nlink > 1:
                seen.add((info.st_dev, info.st_ino))
            total += info.st_size
    return total


def _empty(top: int) -> None:
    unique = f".wirt-rm-{secrets.token_hex(8)}-"
    folders = _unlink_files(top)
    moved = 0
    while folders:
        name = folders.pop()
        fd = open_child_folder(top, name)
        try:
            for child in _unlink_files(fd):
                moved += 1
                name_above = f"{unique}{moved}"
                _insist(partial(os.rename, child, name_above, src_dir_fd=fd, dst_dir_fd=top), child, fd)
                folders.append(name_above)
        finally:
            os.close(fd)
        _insist(partial(os.rmdir, name, dir_fd=top), name, top)


def _unlink_files(fd: int) -> list[str]:
    """Removes all but the folders directly in ``fd``, and names these."""
    with os.scandir(fd) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if not is_folder:
            _insist(partial(os.unlink, name, dir_fd=fd), name, fd)
    return [name for name, is_folder in entries if is_folder]


def _insist(call: Callable[[], None], name: str, folder: int) -> None:
    """``call``, which takes ``name`` out of ``folder``; where attributes forbid it, once more without them."""
    try:
        call()
    except PermissionError as error:
        if error.errno != errno.EPERM:
            raise
        _clear_attributes(folder)
        with contextlib.suppress(OSError):
            _clear_entry_attributes(name, folder)
        call()


def _clear_entry_attributes(name: str, folder: int) -> None:
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return  # only these two have such attributes, and to open a device has effects
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        _clear_attributes(fd)
    finally:
        os.close(fd)


def _clear_attributes(fd: int) -> None:
    flags = ctypes.create_string_buffer(ctypes.sizeof(ctypes.c_long))
    with contextlib.suppress(OSError):  # a file system without attributes
        ioctl(fd, FS_IOC_GETFLAGS, flags, call="FS_IOC_GETFLAGS")
        held = int.from_bytes(flags.raw, "little")
        flags.raw = (held & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)).to_bytes(len(flags), "little")
        ioctl(fd, FS_IOC_SETFLAGS, flags, call="FS_IOC_SETFLAGS")


def _statuses(path: Path) -> Iterator[os.stat_result]:
    """lstat(2) of everything below ``path``; what vanishes meanwhile, or lies deeper than PATH_MAX, is passed over."""
    pending = ["."]
    with contextlib.suppress(FileNotFoundError):
        top = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            while pending:
                with contextlib.suppress(OSError):
                    yield from _statuses_in(top, pending.pop(), pending)
        finally:
            os.close(top)


def _statuses_in(top: int, inside: str, pending: list[str]) -> Iterator[os.stat_result]:
    fd = open_in_root(top, inside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with os.scandir(fd) as listing:
            for entry in listing:
                with contextlib.suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(f"{inside}/{entry.name}")
    finally:
        os.close(fd)
