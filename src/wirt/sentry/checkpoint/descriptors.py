"""A process's descriptors as plain data: what each is, so that it can be made again.

Which of them are one open file is not seen from here, but from outside (``micro.opened``).
"""

from __future__ import annotations

import array
import base64
import fcntl
import os
import stat
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirt.abi.linux.unistd import SYS_tee
from wirt.host import _native
from wirt.sentry.checkpoint.sockets import describe_socket
from wirt.sentry.checkpoint.state import CannotSave
from wirt.sentry.descriptors import open_descriptors
from wirt.sentry.process import Process

__all__ = ["describe"]

_MOST_CONTENT = 16 << 20  # bytes of a file without a name that are written down with the process
_STATUS_FLAGS = (
    os.O_PATH | os.O_ACCMODE | os.O_APPEND | os.O_NONBLOCK | os.O_DIRECTORY | os.O_SYNC | os.O_DIRECT | os.O_NOATIME
)
_DELETED = " (deleted)"
_PIECE = 64 << 10
_SPLICE_F_NONBLOCK = 2


@dataclass(frozen=True, slots=True)
class _Seen:
    """An open descriptor. ``path``: what the host calls it."""

    fd: int
    about: os.stat_result
    path: str
    flags: int


def describe(process: Process) -> list[dict[str, Any]]:
    """Every descriptor of the guest's. Raises ``CannotSave`` for what cannot be made again."""
    entries: list[dict[str, Any]] = []
    for fd in open_descriptors(process.options.proc_fd):
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        seen = _Seen(fd, os.fstat(fd), process.path_of(fd), flags)
        about = {"fd": fd, "close": fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC, "flags": flags & _STATUS_FLAGS}
        entries.append(about | _entry(process, seen))
    return entries


def _entry(process: Process, seen: _Seen) -> dict[str, Any]:
    if (node := process.special.get(seen.fd)) is not None:
        return {"kind": "virtual", "path": node.path.decode("latin-1"), "position": _position(seen.fd)}
    place = (seen.about.st_dev, seen.about.st_ino)
    if place in process.options.streams and not _is_null(seen):
        return {"kind": "stream", "number": process.options.streams.index(place)}
    mode = seen.about.st_mode
    if stat.S_ISSOCK(mode):
        return describe_socket(seen.fd, seen.about.st_ino)
    if seen.path.startswith("anon_inode:"):
        return _anonymous(process, seen)
    kinds: tuple[tuple[Callable[[int], bool], Callable[[_Seen], dict[str, Any]]], ...] = (
        (stat.S_ISREG, _file),
        (stat.S_ISDIR, _file),
        (stat.S_ISCHR, _device),
        (stat.S_ISFIFO, _pipe),
    )
    for is_kind, describe_it in kinds:
        if is_kind(mode):
            return describe_it(seen)
    raise CannotSave(f"descriptor {seen.fd} ({seen.path}) is of a kind that cannot be saved")


def _is_null(seen: _Seen) -> bool:
    return stat.S_ISCHR(seen.about.st_mode) and os.major(seen.about.st_rdev) == 1


def _position(fd: int) -> int:
    try:
        return os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return 0


# -- files -----------------------------------------------------------------------------------------


def _file(seen: _Seen) -> dict[str, Any]:
    about = seen.about
    if about.st_nlink and not seen.path.endswith(_DELETED):
        return {
            "kind": "file",
            "path": seen.path,
            "position": _position(seen.fd),
            "directory": stat.S_ISDIR(about.st_mode),
        }
    if stat.S_ISDIR(about.st_mode):
        raise CannotSave(f"descriptor {seen.fd} is a folder that was removed: {seen.path}")
    if about.st_size > _MOST_CONTENT:
        raise CannotSave(f"descriptor {seen.fd} is a file without a name of {about.st_size >> 20} MiB: {seen.path}")
    return {
        "kind": "nameless",
        "name": seen.path.removeprefix("/memfd:").removesuffix(_DELETED)[:200],
        "mode": stat.S_IMODE(about.st_mode),
        "seals": _seals(seen.fd),
        "position": _position(seen.fd),
        "inode": [about.st_dev, about.st_ino],
        "content": base64.b64encode(_content(seen.fd, about.st_size)).decode("ascii"),
    }


def _seals(fd: int) -> int:
    try:
        return fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError:
        return 0


def _content(fd: int, size: int) -> bytes:
    try:
        return b"".join(os.pread(fd, _PIECE, at) for at in range(0, size, _PIECE))
    except OSError:
        raise CannotSave(f"descriptor {fd} is a file without a name that can only be written to") from None


def _device(seen: _Seen) -> dict[str, Any]:
    if not seen.path.startswith("/dev/") or seen.path.endswith(_DELETED) or seen.path.startswith("/dev/pts/"):
        raise CannotSave(f"descriptor {seen.fd} is a terminal or device of its own: {seen.path}")
    return {"kind": "file", "path": seen.path, "position": 0, "directory": False}


def _pipe(seen: _Seen) -> dict[str, Any]:
    if not seen.path.startswith("pipe:"):
        raise CannotSave(f"descriptor {seen.fd} is a named pipe: {seen.path}")
    entry: dict[str, Any] = {
        "kind": "pipe",
        "pipe": seen.about.st_ino,
        "reads": seen.flags & os.O_ACCMODE != os.O_WRONLY,
    }
    if entry["reads"]:
        entry["size"] = fcntl.fcntl(seen.fd, fcntl.F_GETPIPE_SZ)
        entry["content"] = base64.b64encode(_waiting(seen.fd)).decode("ascii")
    return entry


def _waiting(fd: int) -> bytes:
    """What is in a pipe, which it keeps (tee(2))."""
    size = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, size)
    if not size[0]:
        return b""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ))
        copied = _tee(fd, writer, size[0])
        return os.read(reader, copied) if copied else b""
    finally:
        os.close(reader)
        os.close(writer)


def _tee(source: int, target: int, size: int) -> int:
    result = _native.quick(SYS_tee, source, target, size, _SPLICE_F_NONBLOCK)
    return max(result, 0)


# -- what has no inode of its own ------------------------------------------------------------------


def _anonymous(process: Process, seen: _Seen) -> dict[str, Any]:
    kind = seen.path.removeprefix("anon_inode:").strip("[]")
    facts = _facts(process, seen.fd)
    match kind:
        case "eventfd":
            semaphore = int(facts.get("eventfd-semaphore", ["0"])[0])
            return {"kind": "eventfd", "count": int(facts["eventfd-count"][0], 16), "semaphore": semaphore}
        case "signalfd":
            return {"kind": "signalfd", "mask": int(facts["sigmask"][0], 16)}
        case "timerfd":
            value, interval = (_time(facts[name][0]) for name in ("it_value", "it_interval"))
            clock, ticks = int(facts["clockid"][0]), int(facts["ticks"][0])
            return {"kind": "timerfd", "clock": clock, "value": value, "interval": interval, "ticks": ticks}
        case "eventpoll":
            return {"kind": "epoll", "watched": [_watched(line) for line in facts.get("tfd", [])]}
    raise CannotSave(f"descriptor {seen.fd} is of a kind that cannot be saved: {kind}")


def _facts(process: Process, fd: int) -> dict[str, list[str]]:
    """/proc/self/fdinfo/FD (proc_pid_fdinfo(5)), by name: a line each."""
    info = os.open(f"self/fdinfo/{fd}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process.options.proc_fd)
    with open(info, encoding="ascii", errors="replace") as file:
        found: dict[str, list[str]] = {}
        for line in file:
            name, _, value = line.partition(":")
            found.setdefault(name.strip(), []).append(value.strip())
    return found


def _time(text: str) -> list[int]:
    """ "(3, 5)" as seconds and nanoseconds."""
    return [int(word) for word in text.strip("()").split(",")]


def _watched(line: str) -> list[int]:
    """ "4 events: 19 data: 7f00 ..." as descriptor, events, data."""
    words = line.replace("events:", " ").replace("data:", " ").split()
    return [int(words[0]), int(words[1], 16), int(words[2], 16)]
