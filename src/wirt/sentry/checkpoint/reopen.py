"""Open files made again from what ``descriptors`` wrote, each once; processes inherit them, and have their descriptors
lead to them."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wirt.abi.linux.fcntl import AT_FDCWD
from wirt.abi.linux.unistd import (
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_eventfd2,
    SYS_signalfd4,
    SYS_timerfd_create,
    SYS_timerfd_settime,
)
from wirt.host import _native
from wirt.sentry.checkpoint.reconnect import pair_of, socket_of
from wirt.sentry.descriptors import FD_LIMIT, hide
from wirt.sentry.namei import find
from wirt.sentry.proc_nodes import Node
from wirt.sentry.proc_open import open_node
from wirt.sentry.task import Task

__all__ = ["OpenFiles"]

_SETTABLE = os.O_APPEND | os.O_NONBLOCK | os.O_DIRECT | os.O_NOATIME
_EFD_SEMAPHORE = 1
_EPOLL_CTL_ADD = 1
_EPOLL_EVENT = struct.Struct("=IQ")
_ITIMERSPEC = struct.Struct("=4q")
_SHORTEST = (0, 1)  # a timer that has fired, but was not read

Entry = dict[str, Any]


class OpenFiles:
    """Of a whole guest, above the descriptors that the guest can have. OSError for what cannot be opened here."""

    def __init__(self, proc_fd: int, pairs: Mapping[int, int]) -> None:
        """``pairs``: inode of a unix socket -> that of its other end. Our standard streams will be the guest's."""
        self._proc_fd = proc_fd
        self._peers = pairs
        self._streams = [hide(os.dup(fd)) for fd in range(3)]
        self._made: dict[int, int] = {}
        self._watchers: dict[int, Entry] = {}  # that have to be told what to watch
        self._inodes: dict[tuple[int, int], int] = {}
        self._pipes: dict[int, tuple[int, int]] = {}
        self._pairs: dict[int, tuple[int, int]] = {}  # both ends: of the inode, and of its peer

    # -- making ------------------------------------------------------------------------------------

    def make(self, number: int, entry: Entry) -> None:
        """Open file ``number``, unless it is there already, or is a process's own business."""
        if number in self._made or entry["kind"] == "virtual":
            return
        kinds: dict[str, Callable[[Entry], int]] = {
            "stream": lambda entry: os.dup(self._streams[entry["number"]]),
            "file": _file,
            "nameless": self._nameless,
            "pipe": self._pipe,
            "socket": self._socket,
            "eventfd": _eventfd,
            "signalfd": _signalfd,
            "timerfd": _timerfd,
            "epoll": lambda _entry: _checked(_native.quick(SYS_epoll_create1, os.O_CLOEXEC), "epoll_create1"),
        }
        fd = self._made[number] = hide(kinds[entry["kind"]](entry))
        _settle(entry, fd)
        if entry["kind"] == "epoll":
            self._watchers[number] = entry

    def fill(self, entries: Sequence[Entry]) -> None:
        """Bring back what was waiting in pipes and sockets, once for each of them."""
        contents = {entry["pipe"]: entry["content"] for entry in entries if entry["kind"] == "pipe" and entry["reads"]}
        for number, content in contents.items():
            data = base64.b64decode(content)
            if data and os.write(self._pipes[number][1], data) < len(data):
                raise ValueError("a pipe that holds more than it can")
        for entry in entries:
            if entry.get("state") == "pair":
                _send(self._ends(entry)[1], [base64.b64decode(message) for message in entry["waiting"]])

    def at(self, device: int, inode: int) -> int:
        """A file without a name; -1: there is none with that inode."""
        return self._inodes.get((device, inode), -1)

    # -- in each process ---------------------------------------------------------------------------

    def give(self, task: Task, entries: Sequence[Entry], numbers: Mapping[int, int]) -> None:
        """The process's descriptors are those of ``entries``, and no others."""
        os.closerange(0, FD_LIMIT)
        for entry in entries:
            if entry["kind"] == "virtual":
                self._give_virtual(task, entry)
            else:
                os.dup2(self._made[numbers[entry["fd"]]], entry["fd"], inheritable=not entry["close"])
        for entry in entries:
            watcher = self._watchers.pop(numbers[entry["fd"]], None)
            if watcher is entry:
                _watch(entry)

    def _give_virtual(self, task: Task, entry: Entry) -> None:
        found = find(task, AT_FDCWD, entry["path"].encode("latin-1"), follow=True)
        if not isinstance(found, Node):
            raise FileNotFoundError(2, "no such file", entry["path"])
        if not 0 <= entry["fd"] < FD_LIMIT:
            raise ValueError(f"descriptor {entry['fd']}")
        fd = _checked(open_node(task, found, entry["flags"]), entry["path"])
        task.process.special.pop(fd, None)
        fd = hide(fd)
        _settle(entry, fd)
        os.dup2(fd, entry["fd"], inheritable=not entry["close"])
        os.close(fd)
        task.process.special[entry["fd"]] = found

    def close(self) -> None:
        """The process has what it needs; ends that nobody has are closed with it."""
        ends = [fd for both in (*self._pipes.values(), *self._pairs.values()) for fd in both]
        for fd in {*self._streams, *self._made.values(), *self._inodes.values(), *ends}:
            os.close(fd)

    # -- kinds -------------------------------------------------------------------------------------

    def _pipe(self, entry: Entry) -> int:
        number = entry["pipe"]
        if number not in self._pipes:
            reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            self._pipes[number] = hide(reader), hide(writer)
        reader, writer = self._pipes[number]
        if entry["reads"]:
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, entry["size"])
        return self._again(reader if entry["reads"] else writer, entry["flags"])

    def _again(self, fd: int, flags: int) -> int:
        """Another open file, of the same inode."""
        return os.open(f"self/fd/{fd}", flags & os.O_ACCMODE | os.O_CLOEXEC, dir_fd=self._proc_fd)

    def _socket(self, entry: Entry) -> int:
        return os.dup(self._ends(entry)[0]) if entry["state"] == "pair" else socket_of(entry)

    def _ends(self, entry: Entry) -> tuple[int, int]:
        """This end of a pair and the other one. The other end may be nobody's any more."""
        inode = entry["inode"]
        if inode not in self._pairs:
            one, other = map(hide, pair_of(entry))
            self._pairs[inode] = one, other
            if peer := self._peers.get(inode, 0):
                self._pairs[peer] = other, one
        return self._pairs[inode]

    def _nameless(self, entry: Entry) -> int:
        device, inode = entry["inode"]
        if (device, inode) not in self._inodes:
            fd = self._inodes[device, inode] = hide(
                os.memfd_create(entry["name"], os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            )
            with open(fd, "wb", closefd=False) as file:
                file.write(base64.b64decode(entry["content"]))
            os.fchmod(fd, entry["mode"])
            if entry["seals"]:
                fcntl.fcntl(fd, fcntl.F_ADD_SEALS, entry["seals"])
        return self._again(self._inodes[device, inode], entry["flags"])


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
    return result


def _settle(entry: Entry, fd: int) -> None:
    """Position and flags. A stream's are those of whoever is at its other end now."""
    if entry.get("position"):
        with contextlib.suppress(OSError):
            os.lseek(fd, entry["position"], os.SEEK_SET)
    if entry["kind"] != "stream" and not entry["flags"] & os.O_PATH:
        flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~_SETTABLE | entry["flags"] & _SETTABLE
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def _file(entry: Entry) -> int:
    """Not waiting for anybody; ``_settle`` sets what its flags were."""
    return os.open(entry["path"], entry["flags"] | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)


def _send(fd: int, messages: Sequence[bytes]) -> None:
    """At once: nobody reads yet."""
    end = socket.socket(fileno=fd)
    try:
        for message in messages:
            if end.send(message, socket.MSG_DONTWAIT) < len(message):
                raise ValueError("a socket that holds more than it can")
    finally:
        end.detach()


def _eventfd(entry: Entry) -> int:
    flags = os.O_CLOEXEC | (_EFD_SEMAPHORE if entry["semaphore"] else 0)
    fd = _checked(_native.quick(SYS_eventfd2, 0, flags), "eventfd2")
    os.write(fd, entry["count"].to_bytes(8, "little"))
    return fd


def _signalfd(entry: Entry) -> int:
    return _checked(_native.quick(SYS_signalfd4, -1, entry["mask"].to_bytes(8, "little"), 8, os.O_CLOEXEC), "signalfd4")


def _timerfd(entry: Entry) -> int:
    fd = _checked(_native.quick(SYS_timerfd_create, entry["clock"], os.O_CLOEXEC), "timerfd_create")
    value = _SHORTEST if entry["ticks"] else entry["value"]
    wanted = _ITIMERSPEC.pack(*entry["interval"], *value)
    _checked(_native.quick(SYS_timerfd_settime, fd, 0, wanted, 0), "timerfd_settime")
    return fd


def _watch(entry: Entry) -> None:
    for number, events, data in entry["watched"]:
        event = _EPOLL_EVENT.pack(events & 0xFFFF_FFFF, data & 0xFFFF_FFFF_FFFF_FFFF)
        _checked(_native.quick(SYS_epoll_ctl, entry["fd"], _EPOLL_CTL_ADD, number, event), "epoll_ctl")
