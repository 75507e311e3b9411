"""Opening, listing and describing what ``namei`` found in /proc and /sys.

A generated file is opened as a sealed file in memory, a real descriptor of the host: the guest reads, seeks and maps
it without us. A folder is a descriptor of the guest's own (empty) /proc, so that duplicates and children share its
position, and an entry in ``Process.special`` that says which folder it stands for.
"""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Iterator

from wirt.abi.linux import fcntl as f
from wirt.abi.linux.stat import (
    DIRENT,
    DIRENT64,
    PROC_SUPER_MAGIC,
    S_IFDIR,
    STAT,
    STATFS,
    STATX,
    STATX_BASIC_STATS,
    SYSFS_MAGIC,
)
from wirt.abi.linux.unistd import SYS_fcntl, SYS_openat, SYS_write
from wirt.host import _native
from wirt.sentry.buffers import granted
from wirt.sentry.descriptors import OWN
from wirt.sentry.failures import fail
from wirt.sentry.proc_nodes import Folder, Link, Listed, Node, Passed, Text, kind_of
from wirt.sentry.rlimits import unheld
from wirt.sentry.task import Task

__all__ = ["accessible", "encode_stat", "encode_statfs", "encode_statx", "listing", "open_node"]

_SEALS = f.F_SEAL_SEAL | f.F_SEAL_SHRINK | f.F_SEAL_GROW | f.F_SEAL_WRITE
_PROC_DEVICE, _SYS_DEVICE = 21, 22
_BLOCK = 4096
_FILE_FLAGS = f.O_NONBLOCK | f.O_CLOEXEC | f.O_APPEND
_FOLDER_FLAGS = f.O_NONBLOCK | f.O_CLOEXEC | f.O_PATH


# -- open ------------------------------------------------------------------------------------------


def open_node(task: Task, node: Node, flags: int) -> int:
    """open(2) on what was found; the last link was followed where it is to be."""
    entry = node.entry
    if flags & f.O_CREAT and flags & f.O_EXCL:
        fail(errno.EEXIST)
    if isinstance(entry, Link):
        fail(errno.ELOOP)
    if isinstance(entry, Folder):
        return _open_folder(task, node, flags)
    if flags & f.O_DIRECTORY:
        fail(errno.ENOTDIR)
    if isinstance(entry, Passed):
        return _open_passed(task, entry, flags)
    if flags & f.O_ACCMODE != f.O_RDONLY:
        fail(errno.EACCES)
    return _open_text(task, node, entry, flags)


def _open_folder(task: Task, node: Node, flags: int) -> int:
    if flags & (f.O_ACCMODE | f.O_CREAT):
        fail(errno.EISDIR)
    wanted = f.O_DIRECTORY | flags & _FOLDER_FLAGS
    fd = -1
    for place in (b"/proc", b"/"):
        fd = granted(task, _native.call(SYS_openat, f.AT_FDCWD, place, wanted, 0))
        if fd >= 0:
            task.process.special[fd] = node
            break
    return fd


def _open_passed(task: Task, entry: Passed, flags: int) -> int:
    if flags & f.O_ACCMODE and not entry.writable:
        fail(errno.EACCES)
    wanted = flags & ~(f.O_CREAT | f.O_TRUNC) | f.O_NOFOLLOW
    return granted(task, _native.call(SYS_openat, task.process.options.proc_fd, entry.path, wanted, 0))


def _open_text(task: Task, node: Node, entry: Text, flags: int) -> int:
    """The file is filled through a descriptor of ours and opened a second time, for reading only, for the guest."""
    data = entry.content(task)
    process = task.process
    with process.lock:  # a fork in between would give the descriptor to the child
        low = os.memfd_create(os.fsdecode(node.path), os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fd = _native.quick(SYS_fcntl, low, f.F_DUPFD_CLOEXEC, OWN)
        os.close(low)
        if fd < 0:
            return fd
        try:
            with unheld(process):
                _fill(fd, data)
            os.fchmod(fd, entry.mode)
            _native.quick(SYS_fcntl, fd, f.F_ADD_SEALS, _SEALS)
            again = b"self/fd/%d" % fd
            return granted(task, _native.call(SYS_openat, process.options.proc_fd, again, flags & _FILE_FLAGS, 0))
        finally:
            os.close(fd)


def _fill(fd: int, data: bytes) -> None:
    while data:
        written = _native.quick(SYS_write, fd, data, len(data))
        if written < 0:
            fail(-written)
        data = data[written:]


# -- list ------------------------------------------------------------------------------------------


def listing(task: Task, node: Node, start: int, room: int, *, old: bool) -> tuple[bytes, int]:
    """Entries from position ``start`` on that fit into ``room`` bytes, and the position behind them.

    EINVAL when there is no room for one. ``old``: as getdents(2) has them, else getdents64(2).
    """
    packed: list[bytes] = []
    position = start
    for where, name, kind in _all_names(task, node):
        if where < start:
            continue
        record = _record(node, name, kind, where + 1, old=old)
        if len(record) > room:
            if not packed:
                fail(errno.EINVAL)
            break
        packed.append(record)
        room -= len(record)
        position = where + 1
    return b"".join(packed), position


def _all_names(task: Task, node: Node) -> Iterator[Listed]:
    """A folder's entries begin at 2, behind "." and ".."."""
    assert isinstance(node.entry, Folder)  # noqa: S101 - only folders are in ``special``
    yield 0, b".", S_IFDIR
    yield 1, b"..", S_IFDIR
    for where, name, kind in node.entry.names(task):
        yield where + 2, name, kind


def _record(node: Node, name: bytes, kind: int, following: int, *, old: bool) -> bytes:
    number = _inode(node.path.rstrip(b"/") + b"/" + name)
    if old:
        size = (DIRENT.size + len(name) + 2 + 7) & ~7
        return (DIRENT.pack(number, following, size) + name).ljust(size - 1, b"\0") + bytes((kind >> 12,))
    size = (DIRENT64.size + len(name) + 1 + 7) & ~7
    return (DIRENT64.pack(number, following, size, kind >> 12) + name).ljust(size, b"\0")


# -- describe --------------------------------------------------------------------------------------


def _inode(path: bytes) -> int:
    return zlib.crc32(path) | 1 << 32


def _device(node: Node) -> int:
    return _SYS_DEVICE if node.path.startswith(b"/sys") else _PROC_DEVICE


def _owner(task: Task, node: Node) -> tuple[int, int, int]:
    """User, group, and the time of the last change in seconds: those of the process that it is about."""
    name = node.path.split(b"/")[2:3]
    if name and name[0].isdigit() and node.path.startswith(b"/proc/"):
        try:
            status = os.stat(name[0] + b"/stat", dir_fd=task.process.options.proc_fd)
            folder = os.stat(name[0], dir_fd=task.process.options.proc_fd)
        except OSError:
            return 0, 0, 0
        return folder.st_uid, folder.st_gid, int(status.st_mtime)
    return 0, 0, int(os.stat(b"/").st_ctime)


def _mode(node: Node) -> int:
    return kind_of(node.entry) | node.entry.mode


def _links(node: Node) -> int:
    return 2 if isinstance(node.entry, Folder) else 1


def encode_stat(task: Task, node: Node) -> bytes:
    """struct stat."""
    uid, gid, when = _owner(task, node)
    times = (when, 0) * 3
    return STAT.pack(
        _device(node), _inode(node.path), _links(node), _mode(node), uid, gid, 0, 0, _BLOCK // 4, 0, *times
    )


def encode_statx(task: Task, node: Node) -> bytes:
    """struct statx with its basic fields."""
    uid, gid, when = _owner(task, node)
    times = (when, 0) * 4
    head = (STATX_BASIC_STATS, _BLOCK // 4, 0, _links(node), uid, gid, _mode(node), _inode(node.path), 0, 0, 0)
    return STATX.pack(*head, *times, 0, 0, 0, _device(node), 0)


def encode_statfs(node: Node) -> bytes:
    """struct statfs."""
    magic = SYSFS_MAGIC if node.path.startswith(b"/sys") else PROC_SUPER_MAGIC
    return STATFS.pack(magic, _BLOCK, 0, 0, 0, 0, 0, 0, 255, _BLOCK, 0)


def accessible(task: Task, node: Node, mode: int) -> int:
    """access(2): 0 or -EACCES. Root may read everything, and writes what can be written at all."""
    bits = node.entry.mode
    uid, gid, _ = _owner(task, node)
    if os.geteuid() == 0:
        granted_bits = 4 | (bits >> 6 & 2) | (1 if bits & 0o111 or isinstance(node.entry, Folder) else 0)
    elif os.geteuid() == uid:
        granted_bits = bits >> 6
    else:
        granted_bits = bits >> 3 if os.getegid() == gid else bits
    return -errno.EACCES if mode & 7 & ~granted_bits else 0
