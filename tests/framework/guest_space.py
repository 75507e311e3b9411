"""A guest thread with real guest memory and no virtual machine: its system calls are made by calling their handlers."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from framework.guest_parts import Cpu, clean_state
from wirt.host import _native
from wirt.sentry.mm import AddressSpace
from wirt.sentry.process import GuestOptions, Process
from wirt.sentry.table import collect
from wirt.sentry.task import Task
from wirt.vmm.memory import GuestMemory

__all__ = ["Guest", "guest"]

WORD = 0xFFFF_FFFF_FFFF_FFFF
PAGE = 4096
_SIGPROCMASK = 14
_BY_NAME: dict[str, Any] = {}


class Guest:
    """``base``: a writable mapping of ``SIZE`` bytes, with nothing mapped around it. ``call`` answers as rax would."""

    SIZE = 1 << 20

    def __init__(self, process: Process, task: Task) -> None:
        self.process, self.task, self.mm = process, task, task.mm
        self.base = self.mm.place_for(0, self.SIZE + 2 * PAGE, 0) + PAGE
        self.mm.map_anonymous(self.base, self.SIZE, 3)
        self._free = self.base

    def call(self, name: str, *words: int) -> int:
        if not _BY_NAME:
            _BY_NAME.update((call.name, call) for call in collect().values())
        call = _BY_NAME[name]
        given = ([word & WORD for word in words] + [0] * call.arity)[: max(call.arity, len(words))]
        assert len(given) == call.arity, f"{name} takes {call.arity} words"
        try:
            result = call.handler(self.task, *given)
        except OSError as error:
            return -(error.errno or errno.EIO)
        assert isinstance(result, int)
        return result

    def must(self, name: str, *words: int) -> int:
        """A call that succeeds."""
        result = self.call(name, *words)
        assert result >= 0, f"{name}: {errno.errorcode.get(-result, result)}"
        return result

    def room(self, size: int) -> int:
        """The address of so many bytes of memory of the guest's, in one mapping."""
        where = self._free
        self._free += (size + 15) & ~15
        assert self._free <= self.base + self.SIZE
        return where

    def put(self, data: bytes) -> int:
        """The same with bytes in it; a NUL follows."""
        where = self.room(len(data) + 1)
        self.mm.write(where, data + b"\0")
        return where

    def vector(self, *parts: tuple[int, int]) -> int:
        """struct iovec for addresses and lengths."""
        return self.put(b"".join((word & WORD).to_bytes(8, "little") for part in parts for word in part))

    def hole(self) -> int:
        """An address where nothing is mapped, right behind a mapping."""
        return self.base + self.SIZE

    def open(self, path: str | bytes, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
        return self.call("open", self.put(os.fsencode(path)), flags, mode)

    def contents(self, path: str | bytes) -> bytes:
        """A whole file, through the guest's calls."""
        fd = self.must("open", self.put(os.fsencode(path)), os.O_RDONLY, 0)
        where, found = self.room(1 << 16), b""
        while size := self.must("read", fd, where, 1 << 16):
            found += self.mm.read(where, size)
        self.must("close", fd)
        self._free = where
        return found

    def link(self, path: str | bytes) -> bytes:
        where = self.room(4096)
        return self.mm.read(where, self.must("readlink", self.put(os.fsencode(path)), where, 4096))

    def names(self, fd: int) -> list[bytes]:
        """What getdents64 lists, to the end."""
        where, found = self.room(4096), []
        while size := self.must("getdents64", fd, where, 4096):
            data, at = self.mm.read(where, size), 0
            while at < size:
                length = int.from_bytes(data[at + 16 : at + 18], "little")
                found.append(data[at + 19 : at + length].partition(b"\0")[0])
                at += length
        return found


def _open(proc: int) -> set[int]:
    folder = os.open("self/fd", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)
    try:
        return {int(name) for name in os.listdir(folder)} - {folder}  # noqa: PTH208 - it has no path
    finally:
        os.close(folder)


@contextmanager
def guest(memory: int = 1 << 30, procfs: int = -1) -> Iterator[Guest]:
    """In this process and thread, whose signal mask and descriptors are afterwards as they were.

    ``procfs``: a descriptor of one; the host's own if there is none.
    """
    before = bytearray(8)
    _native.quick(_SIGPROCMASK, signal.SIG_BLOCK, 0, before, 8)  # with the signals that libc keeps for itself
    cwd = Path.cwd()
    proc = os.open("/proc", os.O_PATH | os.O_CLOEXEC) if procfs < 0 else os.dup(procfs)
    arena = GuestMemory(memory)
    options = GuestOptions(memory=memory, machine_memory=1 << 30, cpus=2, proc_fd=proc)
    process = Process(cast(Any, None), cast(Any, None), AddressSpace(arena), options)
    process.clean_state, process.pid, process.exe = clean_state(), os.getpid(), "/usr/bin/true"
    task = Task(process, process.mm, cast(Any, Cpu()), os.getpid())
    process.tasks[task.tid] = task
    inherited = _open(proc)
    try:
        yield Guest(process, task)
    finally:
        for fd in _open(proc) - inherited:
            with suppress(OSError):  # the duplicate that the list was read through
                os.close(fd)
        os.close(proc)
        arena.close()
        os.chdir(cwd)
        _native.quick(_SIGPROCMASK, signal.SIG_SETMASK, before, 0, 8)
