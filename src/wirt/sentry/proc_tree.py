"""The tree of /proc and /sys: which entry a path leads to."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence

from wirt.abi.linux.stat import S_IFDIR
from wirt.sentry import proc_process, proc_settings, proc_system
from wirt.sentry.proc_nodes import Entry, Folder, Link, Listed, fixed, host_names, kind_of
from wirt.sentry.task import Task

__all__ = ["ROOTS", "entry_at"]

_FIRST_PROCESS = 1 << 8  # processes are listed behind everything else, by number


def _proc_child(task: Task, name: bytes) -> Entry | None:
    entry = _PROC.get(name)
    if entry is None and name.isdigit() and proc_process.exists(task, name):
        return proc_process.folder(name)
    return entry


def _proc_names(task: Task) -> Iterable[Listed]:
    yield from ((index, name, kind_of(entry)) for index, (name, entry) in enumerate(_PROC.items(), 1))
    for pid in sorted(int(name) for name in host_names(task, b".") if name.isdigit()):
        yield _FIRST_PROCESS + pid, b"%d" % pid, S_IFDIR


def _self(task: Task) -> bytes:
    return b"%d" % task.process.pid


def _thread_self(task: Task) -> bytes:
    return b"%d/task/%d" % (task.process.pid, task.tid)


_PROC: dict[bytes, Entry] = {
    **proc_system.PROC,
    b"fs": fixed({}),
    b"mounts": Link(lambda _task: b"self/mounts"),
    b"net": Link(lambda _task: b"self/net"),
    b"self": Link(_self),
    b"sys": proc_settings.SYSCTL,
    b"sysvipc": fixed({}),
    b"thread-self": Link(_thread_self),
}

ROOTS: dict[bytes, Folder] = {b"proc": Folder(_proc_child, _proc_names), b"sys": proc_settings.SYS}


def entry_at(task: Task, parts: Sequence[bytes]) -> Entry:
    """The entry at a path of resolved components, the first of which is "proc" or "sys". ENOENT, ENOTDIR."""
    entry: Entry | None = ROOTS[parts[0]]
    for name in parts[1:]:
        if not isinstance(entry, Folder):
            raise NotADirectoryError(errno.ENOTDIR, "not a directory")
        entry = entry.child(task, name)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "no such file or directory")
    assert entry is not None  # noqa: S101 - the loop raised otherwise
    return entry
