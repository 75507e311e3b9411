"""What a process is, as plain data: all but its memory's contents and its descriptors."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import resource
import struct
from typing import Any

from wirt.abi.linux import capability
from wirt.abi.linux.resource import RLIMITS
from wirt.abi.linux.unistd import SYS_capget, SYS_getitimer
from wirt.host import _native
from wirt.sentry.checkpoint.hold import Standing
from wirt.sentry.process import Process
from wirt.sentry.rlimits import own_limit
from wirt.sentry.syscalls.time import has_timers
from wirt.vmm.platform import Features
from wirt.vmm.vmi.library import library

__all__ = ["VERSION", "CannotSave", "CapabilitySets", "areas", "capability_sets", "describe", "maker", "words_of"]

VERSION = 1

CapabilitySets = tuple[int, int, int]  # effective, permitted, inheritable
_HEADER = struct.pack("=Ii", capability.LINUX_CAPABILITY_VERSION_3, 0)
_SETS = struct.Struct("=6I")
_ITIMER = struct.Struct("=4q")


class CannotSave(Exception):  # noqa: N818 - becomes an answer
    """Why a process cannot be written down, in words for a person."""


def maker(process: Process, features: Features) -> dict[str, Any]:
    """On what a process runs: it can go on only where this is the same."""
    code = library()
    parts = (code.user_entry.page, code.system_entry.page, code.stubs, code.vdso)
    return {
        "platform": process.platform.name,
        "library": hashlib.sha256(b"".join(parts)).hexdigest(),
        "features": dataclasses.asdict(features),
    }


def describe(process: Process, standing: list[Standing]) -> dict[str, Any]:
    """``standing``: all its threads. Raises ``CannotSave``."""
    _check(process)
    return {
        "version": VERSION,
        "maker": maker(process, standing[0].task.vcpu.features),
        "memory": process.mm.memory.shape(),
        "space": process.mm.shape(),
        "threads": [_thread(each) for each in standing],
        "process": _process(process),
        "host": _host(process),
    }


def _check(process: Process) -> None:
    if process.pid not in process.tasks:
        raise CannotSave("the first thread of its program has ended")
    if process.exec_request is not None or process.vfork_fd >= 0:
        raise CannotSave("it is just starting another program; try again")
    if not process.own_root:
        raise CannotSave("it has changed its root (chroot)")
    if has_timers():
        raise CannotSave("it has timers of its own (timer_create)")
    for vma in process.mm.vmas:
        if vma.name.startswith("/SYSV"):
            raise CannotSave("it has System V shared memory attached")


def areas(process: Process) -> list[tuple[int, int, bool]]:
    """(guest-physical address, size, whole) of the memory to be read; not ``whole``: only what was ever touched."""
    found = [(0, int(process.mm.memory.shape()["taken"]), True)]
    for vma in process.mm.vmas:
        if vma.phys >= 0 and not (vma.shared and vma.fd_backed):
            found.append((vma.phys, vma.size, vma.fd_backed))
    return found


def _thread(standing: Standing) -> dict[str, Any]:
    task = standing.task
    return {
        "tid": task.tid,
        "registers": dataclasses.asdict(standing.registers),
        "state": base64.b64encode(standing.state).decode("ascii"),
        "name": standing.name.decode("latin-1"),
        "mask": task.mask,
        "saved_mask": task.saved_mask,
        "altstack": dataclasses.asdict(task.altstack),
        "clear_child_tid": task.clear_child_tid,
        "robust_list": task.robust_list,
    }


def _process(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "actions": [dataclasses.astuple(action) for action in process.actions],
        "virtual_cwd": process.virtual_cwd.decode("latin-1"),
        "exe": process.exe,
        "argv": [word.decode("latin-1") for word in process.argv],
        "name": process.name,
        "stack_size": process.stack_size,
        "limits": {str(number): list(limit) for number, limit in process.limits.items()},
        "personality": process.personality,
        "time_page": process.time_page,
    }


def _host(process: Process) -> dict[str, Any]:
    """What the host kernel keeps of a process."""
    mask = os.umask(0)
    os.umask(mask)
    return {
        "cwd": _cwd(),
        "umask": mask,
        "uids": os.getresuid(),
        "gids": os.getresgid(),
        "groups": os.getgroups(),
        "capabilities": capability_sets(),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "limits": {
            str(number): resource.getrlimit(number)
            for number in range(len(RLIMITS))
            if own_limit(process, number) is None
        },
        "timers": [_itimer(which) for which in range(3)],
        "pending": _pending(process),
    }


def _pending(process: Process) -> list[int]:
    """Signals that wait for the process (proc_pid_status(5), ShdPnd)."""
    fd = os.open("self/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process.options.proc_fd)
    with open(fd, encoding="ascii", errors="replace") as file:
        words = next((int(line.split()[1], 16) for line in file if line.startswith("ShdPnd:")), 0)
    return [number for number in range(1, 64) if words >> number - 1 & 1]


def _cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise CannotSave("its working directory was removed") from None


def capability_sets() -> CapabilitySets:
    """Of the calling thread."""
    found = bytearray(_SETS.size)
    _native.quick(SYS_capget, bytearray(_HEADER), found)
    low, high = _SETS.unpack(found)[:3], _SETS.unpack(found)[3:]
    return low[0] | high[0] << 32, low[1] | high[1] << 32, low[2] | high[2] << 32


def words_of(sets: CapabilitySets) -> bytes:
    """As capset(2) takes them."""
    return _SETS.pack(*(word & 0xFFFF_FFFF for word in sets), *(word >> 32 for word in sets))


def _itimer(which: int) -> list[int]:
    """Interval and value, seconds and microseconds of each."""
    found = bytearray(_ITIMER.size)
    if (result := _native.quick(SYS_getitimer, which, found)) < 0:
        raise OSError(-result, os.strerror(-result))
    return list(_ITIMER.unpack(found))
