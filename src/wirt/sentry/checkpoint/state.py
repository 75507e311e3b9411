"""What a process is, as plain data: all but its memory's contents and its descriptors."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import os
import resource
import struct
from typing import Any

from wirt.abi.linux.resource import RLIMITS
from wirt.abi.linux.unistd import SYS_getitimer
from wirt.host import _native
from wirt.sentry.checkpoint.hold import Standing
from wirt.sentry.credentials import capability_sets
from wirt.sentry.process import Process
from wirt.sentry.rlimits import own_limit
from wirt.sentry.syscalls.time import has_timers
from wirt.sentry.vma import Vma
from wirt.vmm.platform import Features
from wirt.vmm.vmi.library import library

__all__ = [
    "VERSION",
    "CannotSave",
    "areas",
    "describe",
    "maker",
    "part_with_files",
]

VERSION = 2

_ITIMER = struct.Struct("=4q")


class CannotSave(Exception):  # noqa: N818 - becomes an answer
    """Why a process cannot be written down, in words for a person."""


def maker(process: Process, features: Features) -> dict[str, Any]:
    """On what a process runs: it can go on only where this is the same."""
    code = library()
    parts = (code.user_entry.page, code.system_entry.page, code.stubs, code.vdso)
    return {
        "platform": process.platform.name,
        "library": binascii.crc32(b"".join(parts)),  # hashlib would be megabytes in every monitor
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
        "threads": [_thread(process, each) for each in standing],
        "process": _process(process),
        "host": _host(process),
    }


def _check(process: Process) -> None:
    if process.pid not in process.tasks:
        raise CannotSave("the first thread of its program has ended")
    if process.exec_request is not None or process.vfork_fd >= 0:
        raise CannotSave("it is just starting another program; try again")
    if process.pid != 1 and not os.getppid():
        raise CannotSave("a command of wirt exec runs in it")
    if not process.own_root:
        raise CannotSave("it has changed its root (chroot)")
    if has_timers():
        raise CannotSave("it has timers of its own (timer_create)")
    for vma in process.mm.vmas:
        if vma.name.startswith("/SYSV"):
            raise CannotSave("it has System V shared memory attached")


def part_with_files(process: Process, descriptors: list[dict[str, Any]]) -> None:
    """Shared mappings of files that cannot be opened again are memory that processes share, from now on.

    Programs unlink what only they are to have: the semaphores of a multiprocessing queue, for example.
    """
    held = {tuple(entry["inode"]) for entry in descriptors if "inode" in entry and entry["kind"] == "nameless"}
    for vma in process.mm.vmas:
        if vma.shared and vma.fd_backed and (vma.device, vma.inode) not in held and not _is_there(vma):
            vma.fd_backed = False


def _is_there(vma: Vma) -> bool:
    try:
        about = os.stat(vma.name)
    except OSError:
        return False
    return (about.st_dev, about.st_ino) == (vma.device, vma.inode)


def areas(process: Process) -> list[tuple[int, int, bool]]:
    """(guest-physical address, size, whole) of the memory to be read; not ``whole``: only what was ever touched."""
    found = [(0, int(process.mm.memory.shape()["taken"]), True)]
    for vma in process.mm.vmas:
        if vma.phys >= 0 and not (vma.shared and vma.fd_backed):
            # Of what processes share, each knows only the pages that it has looked at itself.
            found.append((vma.phys, vma.size, vma.fd_backed or vma.shared))
    return found


def _thread(process: Process, standing: Standing) -> dict[str, Any]:
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
        "pending": _pending(process, f"self/task/{task.tid}/status", "SigPnd:"),
    }


def _process(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "parent": os.getppid(),
        "session": os.getsid(0),
        "group": os.getpgid(0),
        "foreground": _foreground(process),
        "dead": _dead(process),
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


def _foreground(process: Process) -> int:
    """The group that has the guest's terminal; 0 when it has none."""
    if process.pid != 1:
        return 0
    for fd, place in enumerate(process.options.streams):
        with contextlib.suppress(OSError):
            about = os.fstat(fd)
            if (about.st_dev, about.st_ino) == place and os.isatty(fd):
                return os.tcgetpgrp(fd)
    return 0


def _dead(process: Process) -> list[list[int]]:
    """Children that have ended and were not waited for: number, si_code and si_status of waitid(2)."""
    found = []
    for pid in _children(process):
        with contextlib.suppress(ChildProcessError):
            ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is not None:
                found.append([pid, ended.si_code, ended.si_status])
    return found


def _children(process: Process) -> list[int]:
    """/proc/PID/task/TID/children (proc_tid_children(5)) of all threads."""
    found: list[int] = []
    for tid in process.tasks:
        with contextlib.suppress(OSError):
            fd = os.open(f"self/task/{tid}/children", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process.options.proc_fd)
            with open(fd, encoding="ascii") as file:
                found += map(int, file.read().split())
    return found


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
        "pending": _pending(process, "self/status", "ShdPnd:"),
    }


def _pending(process: Process, name: str, field: str) -> list[int]:
    """Signals that wait for the process, or for one of its threads (proc_pid_status(5))."""
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process.options.proc_fd)
    with open(fd, encoding="ascii", errors="replace") as file:
        words = next((int(line.split()[1], 16) for line in file if line.startswith(field)), 0)
    return [number for number in range(1, 64) if words >> number - 1 & 1]


def _cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise CannotSave("its working directory was removed") from None


def _itimer(which: int) -> list[int]:
    """Interval and value, seconds and microseconds of each."""
    found = bytearray(_ITIMER.size)
    if (result := _native.quick(SYS_getitimer, which, found)) < 0:
        raise OSError(-result, os.strerror(-result))
    return list(_ITIMER.unpack(found))
