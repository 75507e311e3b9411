"""/proc/PID: what is said of one process or thread.

Numbers come from the host kernel's own procfs, as a guest process is a host process; what would be the monitor's (its
memory, its signal mask, its program) is replaced by what is the guest's where that is known, which is in the process
that asks about itself, or left empty.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Iterable

from wirt.abi.linux.stat import S_IFDIR, S_IFLNK, S_IFREG
from wirt.sentry import proc_memory, proc_mounts, proc_status
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.proc_identity import exe_of
from wirt.sentry.proc_nodes import Entry, Folder, Link, Listed, Passed, Text, host_names, host_text
from wirt.sentry.task import Task

__all__ = ["exists", "folder"]

_NAMESPACES = (b"cgroup", b"ipc", b"mnt", b"net", b"pid", b"time", b"user", b"uts")
_LOW = 16  # listings keep the first positions for "." and ".."


def exists(task: Task, name: bytes) -> bool:
    """Whether there is such a process or thread, a name of digits."""
    if name.startswith(b"0"):
        return False
    try:
        os.stat(name, dir_fd=task.process.options.proc_fd)
    except OSError:
        return False
    return True


def folder(base: bytes) -> Folder:
    """/proc/PID or /proc/PID/task/TID; ``base`` is its path in the private procfs, such as b"12"."""

    def child(_task: Task, name: bytes) -> Entry | None:
        found = _FILES.get(name)
        if found is None and b"/" not in base:
            found = _PROCESS_ONLY.get(name)
        return found[1](base) if found else None

    def names(_task: Task) -> Iterable[Listed]:
        entries = {**_FILES, **_PROCESS_ONLY} if b"/" not in base else _FILES
        return [(_LOW + index, name, kind) for index, (name, (kind, _)) in enumerate(entries.items())]

    return Folder(child, names)


# -- links -----------------------------------------------------------------------------------------


def _exe(base: bytes) -> Entry:
    def target(task: Task) -> bytes:
        pid = int(base.partition(b"/")[0])
        path = os.fsencode(task.process.exe) if proc_memory.is_own(task, base) else exe_of(task.process.options, pid)
        if not path:
            raise FileNotFoundError(errno.ENOENT, "not known")
        return path

    return Link(target)


def _readlink(path: bytes) -> Callable[[Task], bytes]:
    return lambda task: os.fsencode(os.readlink(path, dir_fd=task.process.options.proc_fd))


def _cwd(base: bytes) -> Entry:
    """A folder of /proc as working directory is one of ours alone; the host's then is the guest's /proc."""

    def target(task: Task) -> bytes:
        own = task.process.virtual_cwd if proc_memory.is_own(task, base) else b""
        return own or _readlink(base + b"/cwd")(task)

    return Link(target, base + b"/cwd")


def _root(base: bytes) -> Entry:
    return Link(_readlink(base + b"/root"), base + b"/root")


def _namespaces(base: bytes) -> Entry:
    """Which namespaces: to be compared, not to be opened."""
    listed = [(_LOW + index, name, S_IFLNK) for index, name in enumerate(_NAMESPACES)]

    def child(_task: Task, name: bytes) -> Entry | None:
        return Link(_readlink(base + b"/ns/" + name)) if name in _NAMESPACES else None

    return Folder(child, lambda _task: listed)


# -- descriptors -----------------------------------------------------------------------------------


def _descriptor(name: bytes) -> int:
    """The number that a name in fd/ stands for; -1 for what is none of a guest's."""
    if not name.isdigit() or (name.startswith(b"0") and name != b"0") or len(name) > 5:
        return -1
    return int(name) if int(name) < FD_LIMIT else -1


def _descriptors(base: bytes, below: bytes, make: Callable[[bytes, int], Entry], kind: int) -> Entry:
    def child(task: Task, name: bytes) -> Entry | None:
        fd = _descriptor(name)
        if fd < 0:
            return None
        try:
            os.lstat(base + below + name, dir_fd=task.process.options.proc_fd)
        except OSError:
            return None
        return make(base, fd)

    def names(task: Task) -> Iterable[Listed]:
        own = (_descriptor(name) for name in host_names(task, base + below))
        return [(_LOW + fd, b"%d" % fd, kind) for fd in sorted(own) if fd >= 0 and _stays(task, base, fd)]

    return Folder(child, names, 0o500 if kind == S_IFLNK else 0o555)


def _stays(task: Task, base: bytes, fd: int) -> bool:
    """Whether it is open still: the one that the listing was read through is not."""
    try:
        os.lstat(b"%s/fd/%d" % (base, fd), dir_fd=task.process.options.proc_fd)
    except OSError:
        return False
    return True


def _fd(base: bytes, fd: int) -> Entry:
    path = b"%s/fd/%d" % (base, fd)

    def target(task: Task) -> bytes:
        special = task.process.special.get(fd) if proc_memory.is_own(task, base) else None
        if special is not None:
            return bytes(special.path)
        text = _readlink(path)(task)
        # A generated file of ours lies in memory, under the name that it has in the guest.
        ours = text.startswith((b"/memfd:/proc/", b"/memfd:/sys/")) and text.endswith(b" (deleted)")
        return text[7:-10] if ours else text

    return Link(target, path, 0o700)


def _fdinfo(base: bytes, fd: int) -> Entry:
    return Text(lambda task: host_text(task, b"%s/fdinfo/%d" % (base, fd)))


# -- below -----------------------------------------------------------------------------------------


def _tasks(base: bytes) -> Entry:
    def child(task: Task, name: bytes) -> Entry | None:
        path = base + b"/task/" + name
        return folder(path) if name.isdigit() and exists(task, path) else None

    def names(task: Task) -> Iterable[Listed]:
        return [(_LOW + tid, b"%d" % tid, S_IFDIR) for tid in proc_memory.threads(task, base)]

    return Folder(child, names)


def _net(base: bytes) -> Entry:
    """The network namespace's own files: real ones, live."""

    def child(task: Task, name: bytes) -> Entry | None:
        path = base + b"/net/" + name
        try:
            about = os.lstat(path, dir_fd=task.process.options.proc_fd)
        except OSError:
            return None
        return Passed(path) if about.st_mode & 0o170000 == S_IFREG else None

    def names(task: Task) -> Iterable[Listed]:
        listed = enumerate(sorted(host_names(task, base + b"/net")))
        return [(_LOW + index, name, S_IFREG) for index, name in listed if child(task, name)]

    return Folder(child, names)


def _constant(text: bytes, mode: int = 0o444) -> Callable[[bytes], Entry]:
    return lambda _base: Text(lambda _task: text, mode)


def _passed(name: bytes, *, writable: bool = False) -> Callable[[bytes], Entry]:
    return lambda base: Passed(base + b"/" + name, writable)


def _made(content: Callable[[Task, bytes], bytes], mode: int = 0o444) -> Callable[[bytes], Entry]:
    return lambda base: Text(functools.partial(_content, content, base), mode)


def _content(content: Callable[[Task, bytes], bytes], base: bytes, task: Task) -> bytes:
    return content(task, base)


_Made = tuple[int, Callable[[bytes], Entry]]

_FILES: dict[bytes, _Made] = {
    b"auxv": (S_IFREG, _made(proc_memory.auxv, 0o400)),
    b"cgroup": (S_IFREG, _constant(b"0::/\n")),
    b"cmdline": (S_IFREG, _made(proc_memory.command_line)),
    b"comm": (S_IFREG, _passed(b"comm", writable=True)),
    b"cpuset": (S_IFREG, _constant(b"/\n")),
    b"cwd": (S_IFLNK, _cwd),
    b"environ": (S_IFREG, _made(proc_memory.environment, 0o400)),
    b"exe": (S_IFLNK, _exe),
    b"fd": (S_IFDIR, lambda base: _descriptors(base, b"/fd/", _fd, S_IFLNK)),
    b"fdinfo": (S_IFDIR, lambda base: _descriptors(base, b"/fdinfo/", _fdinfo, S_IFREG)),
    b"gid_map": (S_IFREG, _passed(b"gid_map")),
    b"io": (S_IFREG, _passed(b"io")),
    b"limits": (S_IFREG, _made(proc_status.limits)),
    b"loginuid": (S_IFREG, _constant(b"4294967295")),
    b"maps": (S_IFREG, _made(proc_memory.maps)),
    b"mountinfo": (S_IFREG, _made(proc_mounts.mountinfo)),
    b"mounts": (S_IFREG, _made(proc_mounts.mounts)),
    b"net": (S_IFDIR, _net),
    b"ns": (S_IFDIR, _namespaces),
    b"oom_adj": (S_IFREG, _constant(b"0\n")),
    b"oom_score": (S_IFREG, _passed(b"oom_score")),
    b"oom_score_adj": (S_IFREG, _passed(b"oom_score_adj", writable=True)),
    b"personality": (S_IFREG, _constant(b"00000000\n", 0o400)),
    b"root": (S_IFLNK, _root),
    b"schedstat": (S_IFREG, _passed(b"schedstat")),
    b"sessionid": (S_IFREG, _constant(b"4294967295")),
    b"setgroups": (S_IFREG, _passed(b"setgroups")),
    b"smaps": (S_IFREG, _made(proc_memory.smaps)),
    b"smaps_rollup": (S_IFREG, _made(proc_memory.smaps_rollup)),
    b"stat": (S_IFREG, _made(proc_status.stat)),
    b"statm": (S_IFREG, _made(proc_status.statm)),
    b"status": (S_IFREG, _made(proc_status.status)),
    b"syscall": (S_IFREG, _constant(b"running\n", 0o400)),
    b"uid_map": (S_IFREG, _passed(b"uid_map")),
    b"wchan": (S_IFREG, _constant(b"0")),
}
_PROCESS_ONLY: dict[bytes, _Made] = {
    b"coredump_filter": (S_IFREG, _constant(b"00000033\n")),
    b"mountstats": (S_IFREG, _constant(b"")),
    b"task": (S_IFDIR, _tasks),
    b"timers": (S_IFREG, _constant(b"")),
    b"timerslack_ns": (S_IFREG, _constant(b"50000\n")),
}
