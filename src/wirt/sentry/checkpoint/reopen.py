"""Descriptors made again from what ``descriptors`` wrote, at the numbers that they had."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import struct
from collections.abc import Callable, Sequence
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

__all__ = ["reopen"]

_SETTABLE = os.O_APPEND | os.O_NONBLOCK | os.O_DIRECT | os.O_NOATIME
_EFD_SEMAPHORE = 1
_EPOLL_CTL_ADD = 1
_EPOLL_EVENT = struct.Struct("=IQ")
_ITIMERSPEC = struct.Struct("=4q")
_SHORTEST = (0, 1)  # a timer that has fired, but was not read

Entry = dict[str, Any]


def reopen(task: Task, entries: Sequence[Entry]) -> None:
    """The guest's descriptors are those of ``entries`` afterwards; its streams are what ours were.

    OSError for what cannot be opened here.
    """
    streams = [hide(os.dup(fd)) for fd in range(3)]
    os.closerange(0, FD_LIMIT)
    maker = _Maker(task, streams)
    made = [(entry, hide(maker.make(entry))) for entry in entries]
    for entry, fd in made:
        _settle(entry, fd)
        for number, close_on_exec in entry["fds"]:
            os.dup2(fd, number, inheritable=not close_on_exec)
            if entry["kind"] == "virtual":
                task.process.special[number] = _node(task, entry)
    for entry, fd in made:
        if entry["kind"] == "epoll":
            _watch(entry)
        os.close(fd)
    maker.finish(entries)


def _settle(entry: Entry, fd: int) -> None:
    """Position and flags. A stream's are those of whoever is at its other end now."""
    if entry.get("position"):
        with contextlib.suppress(OSError):
            os.lseek(fd, entry["position"], os.SEEK_SET)
    if entry["kind"] != "stream" and not entry["flags"] & os.O_PATH:
        flags = fcntl.fcntl(fd, fcntl.F_GETFL) & ~_SETTABLE | entry["flags"] & _SETTABLE
        fcntl.fcntl(fd, fcntl.F_SETFL, flags)


class _Maker:
    """``pipes`` and ``pairs``: both ends by number, until every entry has its own."""

    def __init__(self, task: Task, streams: list[int]) -> None:
        self._task = task
        self._streams = streams
        self._pipes: dict[int, tuple[int, int]] = {}
        self._pairs: dict[int, tuple[int, int]] = {}
        self._first_end: dict[int, Entry] = {}  # of a pair: who has it

    def make(self, entry: Entry) -> int:
        kinds: dict[str, Callable[[Entry], int]] = {
            "stream": lambda entry: os.dup(self._streams[entry["number"]]),
            "file": _file,
            "virtual": self._virtual,
            "nameless": self._nameless,
            "pipe": self._pipe,
            "socket": self._socket,
            "eventfd": _eventfd,
            "signalfd": _signalfd,
            "timerfd": _timerfd,
            "epoll": lambda _entry: _made(_native.quick(SYS_epoll_create1, os.O_CLOEXEC), "epoll_create1"),
        }
        return kinds[entry["kind"]](entry)

    def finish(self, entries: Sequence[Entry]) -> None:
        """Bring back what was waiting in pipes and sockets, and let go of the ends that nobody has."""
        for entry in entries:
            if content := base64.b64decode(entry.get("content", "")) if entry["kind"] == "pipe" else b"":
                os.write(self._pipes[entry["pipe"]][1], content)
            if waiting := base64.b64decode(entry.get("waiting", "")):
                ends = self._pairs[entry["pair"]]
                os.write(ends[1] if self._first_end[entry["pair"]] is entry else ends[0], waiting)
        both = [fd for ends in (*self._pipes.values(), *self._pairs.values()) for fd in ends]
        for fd in (*self._streams, *both):
            os.close(fd)

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
        """An open file description of its own, of the same file."""
        name = f"self/fd/{fd}"
        return os.open(name, flags & os.O_ACCMODE | os.O_CLOEXEC, dir_fd=self._task.process.options.proc_fd)

    def _socket(self, entry: Entry) -> int:
        if entry["state"] != "pair":
            return socket_of(entry)
        number = entry["pair"]
        if number in self._pairs:
            return os.dup(self._pairs[number][1])
        one, other = pair_of(entry)
        self._pairs[number] = hide(one), hide(other)
        self._first_end[number] = entry
        return os.dup(self._pairs[number][0])

    def _virtual(self, entry: Entry) -> int:
        fd = open_node(self._task, _node(self._task, entry), entry["flags"])
        self._task.process.special.pop(fd, None)
        return _made(fd, entry["path"])

    def _nameless(self, entry: Entry) -> int:
        fd = hide(os.memfd_create(entry["name"], os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING))
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(base64.b64decode(entry["content"]))
            os.fchmod(fd, entry["mode"])
            if entry["seals"]:
                fcntl.fcntl(fd, fcntl.F_ADD_SEALS, entry["seals"])
            return self._again(fd, entry["flags"])
        finally:
            os.close(fd)


def _made(result: int, what: str) -> int:
    if result < 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
    return result


def _node(task: Task, entry: Entry) -> Node:
    found = find(task, AT_FDCWD, entry["path"].encode("latin-1"), follow=True)
    if not isinstance(found, Node):
        raise FileNotFoundError(2, "no such file", entry["path"])
    return found


def _file(entry: Entry) -> int:
    return os.open(entry["path"], entry["flags"] | os.O_NOCTTY | os.O_CLOEXEC)


def _eventfd(entry: Entry) -> int:
    flags = os.O_CLOEXEC | (_EFD_SEMAPHORE if entry["semaphore"] else 0)
    fd = _made(_native.quick(SYS_eventfd2, 0, flags), "eventfd2")
    os.write(fd, entry["count"].to_bytes(8, "little"))
    return fd


def _signalfd(entry: Entry) -> int:
    return _made(_native.quick(SYS_signalfd4, -1, entry["mask"].to_bytes(8, "little"), 8, os.O_CLOEXEC), "signalfd4")


def _timerfd(entry: Entry) -> int:
    fd = _made(_native.quick(SYS_timerfd_create, entry["clock"], os.O_CLOEXEC), "timerfd_create")
    value = _SHORTEST if entry["ticks"] else entry["value"]
    wanted = _ITIMERSPEC.pack(*entry["interval"], *value)
    _made(_native.quick(SYS_timerfd_settime, fd, 0, wanted, 0), "timerfd_settime")
    return fd


def _watch(entry: Entry) -> None:
    for number, events, data in entry["watched"]:
        event = _EPOLL_EVENT.pack(events & 0xFFFF_FFFF, data & 0xFFFF_FFFF_FFFF_FFFF)
        for fd, _ in entry["fds"][:1]:
            _made(_native.quick(SYS_epoll_ctl, fd, _EPOLL_CTL_ADD, number, event), "epoll_ctl")
