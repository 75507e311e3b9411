"""What /proc and /sys are made of: a text that is generated, a file of the private procfs, a link, a folder.

Nothing of these trees exists in the guest's root but two empty folders to mount them on. ``namei`` walks into them,
``proc_tree`` is the tree, ``proc_open`` answers stat, open and readlink for what was found.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wirt.abi.linux.stat import DIRENT64, S_IFDIR, S_IFLNK, S_IFREG
from wirt.host import _native
from wirt.sentry.failures import fail
from wirt.sentry.task import Task

__all__ = [
    "Entry",
    "Folder",
    "Link",
    "Listed",
    "Node",
    "Passed",
    "Text",
    "fixed",
    "host_names",
    "host_text",
    "kind_of",
    "looked_at",
]

_ROOM = 1 << 14

# Position in its folder (ascending), name, S_IF* type.
Listed = tuple[int, bytes, int]


@dataclass(frozen=True, slots=True)
class Text:
    """A file whose bytes are made when it is opened."""

    content: Callable[[Task], bytes]
    mode: int = 0o444


@dataclass(frozen=True, slots=True)
class Passed:
    """The file ``path`` of the private procfs, as it is: its numbers are those of the guest's namespaces."""

    path: bytes
    writable: bool = False

    @property
    def mode(self) -> int:
        return 0o644 if self.writable else 0o444


@dataclass(frozen=True, slots=True)
class Link:
    """``jump``: a path of the private procfs that leads where no text could (fd/3, cwd); empty: the text is the way."""

    target: Callable[[Task], bytes]
    jump: bytes = b""
    mode: int = 0o777


@dataclass(frozen=True, slots=True)
class Folder:
    child: Callable[[Task, bytes], Entry | None]
    names: Callable[[Task], Iterable[Listed]]
    mode: int = 0o555


Entry = Text | Passed | Link | Folder


@dataclass(frozen=True, slots=True)
class Node:
    """An entry and its absolute path in the guest."""

    path: bytes
    entry: Entry


def kind_of(entry: Entry) -> int:
    """S_IFDIR, S_IFLNK or S_IFREG."""
    if isinstance(entry, Folder):
        return S_IFDIR
    return S_IFLNK if isinstance(entry, Link) else S_IFREG


def fixed(entries: Mapping[bytes, Entry]) -> Folder:
    """A folder that always has the same entries."""
    listed = [(index, name, kind_of(entry)) for index, (name, entry) in enumerate(entries.items(), 1)]

    def child(_task: Task, name: bytes) -> Entry | None:
        return entries.get(name)

    def names(_task: Task) -> Iterable[Listed]:
        return listed

    return Folder(child, names)


def host_text(task: Task, path: bytes) -> bytes:
    """A file of the private procfs, whole. ``OSError`` as open(2) and read(2) have it."""
    process = task.process
    with process.lock:  # a fork in between would give the descriptor to the child
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=process.options.proc_fd)
        try:
            found = []
            while piece := os.read(fd, 1 << 16):
                found.append(piece)
            return b"".join(found)
        finally:
            os.close(fd)


def host_names(task: Task, path: bytes) -> list[bytes]:
    """What a folder of the private procfs holds. It is never open where a guest could reach it: all of it would be."""
    listed, who = _look(task, path, os.O_DIRECTORY)
    names, at = [], 0
    while at < len(listed):
        _, _, size, _ = DIRENT64.unpack_from(listed, at)
        names.append(listed[at + DIRENT64.size : at + size].partition(b"\0")[0])
        at += size
    left_out = (b".", b"..", b"%d" % who if path == b"." else b"")
    return [name for name in names if name not in left_out]


def looked_at(task: Task, path: bytes) -> bytes:
    """As ``host_text``, for a file that would tell the guest too much if it were open here for a moment."""
    return _look(task, path, os.O_RDONLY)[0]


def _look(task: Task, path: bytes, flags: int) -> tuple[bytes, int]:
    """A file, or with O_DIRECTORY the entries of a folder, as getdents64(2) has them; and the process that looked."""
    process = task.process
    pid, slash, rest = path.partition(b"/")
    if pid == b"%d" % process.pid:  # whoever looks for us has our descriptors, but may not look into us
        path = b"self" + slash + rest
    room = bytearray(_ROOM)
    size, who = _native.look(process.options.proc_fd, flags, path, room)
    while size == -errno.ERANGE:
        room = bytearray(4 * len(room))
        size, who = _native.look(process.options.proc_fd, flags, path, room)
    if size < 0:
        fail(-size)
    return bytes(room[:size]), who
