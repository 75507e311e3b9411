"""Resource limits, usage and priorities.

What the host kernel can hold a guest to without harm to the monitor is the host process's own limit. Limits on memory
and descriptors are the guest's alone: they are kept in ``Process.limits``, and heeded by whoever gives out what they
limit.
"""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux.resource import RLIMITS
from wirt.abi.linux.unistd import SYS_getrusage, SYS_prlimit64
from wirt.host import _native
from wirt.sentry.answers import passed
from wirt.sentry.failures import fail
from wirt.sentry.process import Process
from wirt.sentry.rlimits import FSIZE, STACK, Limit, hold_files, own_limit
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_RUSAGE_SIZE = 144
_RLIMIT = struct.Struct("<QQ")
_CPU = "the monitor's work for the guest counts as well"
_KEPT = "core and rss are remembered, and not held; data not by mprotect"


def _limit(task: Task, pid: int, resource: int, wanted: Limit | None) -> Limit:
    """Set the limit, if asked to; what it was before."""
    if resource >= len(RLIMITS):
        fail(errno.EINVAL)
    with task.process.lock:
        old = own_limit(task.process, resource)
        if old is None:
            return _hosts(pid, resource, wanted)
        if pid not in (0, task.process.pid):
            _hosts(pid, resource, None)  # ESRCH, EPERM
            fail(errno.EPERM)
        if wanted is not None:
            _set(task.process, resource, wanted, old)
    return old


def _set(process: Process, resource: int, wanted: Limit, old: Limit) -> None:
    soft, hard = wanted
    if soft > hard:
        fail(errno.EINVAL)
    if hard > old[1]:
        fail(errno.EPERM)
    process.limits[resource] = wanted
    if resource == STACK:
        process.stack_size = soft
    if resource == FSIZE:
        hold_files(process)


def _hosts(pid: int, resource: int, wanted: Limit | None) -> Limit:
    old = bytearray(_RLIMIT.size)
    result = _native.quick(SYS_prlimit64, pid, resource, _RLIMIT.pack(*wanted) if wanted is not None else 0, old)
    if result < 0:
        fail(-result)
    soft, hard = _RLIMIT.unpack(old)
    return soft, hard


def getrlimit(task: Task, resource: int, address: int) -> int:
    task.mm.write(address, _RLIMIT.pack(*_limit(task, 0, u32(resource), None)))
    return 0


def setrlimit(task: Task, resource: int, address: int) -> int:
    soft, hard = _RLIMIT.unpack(task.mm.read(address, _RLIMIT.size))
    _limit(task, 0, u32(resource), (soft, hard))
    return 0


def prlimit64(task: Task, pid: int, resource: int, wanted: int, before: int) -> int:
    new: Limit | None = None
    if wanted:
        soft, hard = _RLIMIT.unpack(task.mm.read(wanted, _RLIMIT.size))
        new = (soft, hard)
    old = _limit(task, s32(pid), u32(resource), new)
    if before:
        task.mm.write(before, _RLIMIT.pack(*old))
    return 0


def getrusage(task: Task, who: int, address: int) -> int:
    usage = bytearray(_RUSAGE_SIZE)
    result = _native.quick(SYS_getrusage, who, usage)
    if result >= 0:
        task.mm.write(address, usage)
    return result


CALLS = (
    Call(97, "getrlimit", getrlimit, "int ptr"),
    Call(98, "getrusage", getrusage, "int ptr", note=_CPU),
    Call(140, "getpriority", passed(140), "int int"),
    Call(141, "setpriority", passed(141), "int int int"),
    Call(160, "setrlimit", setrlimit, "int ptr", Support.PARTIAL, _KEPT),
    Call(251, "ioprio_set", passed(251), "int int int"),
    Call(252, "ioprio_get", passed(252), "int int"),
    Call(
        302,
        "prlimit64",
        prlimit64,
        "pid int ptr ptr",
        Support.PARTIAL,
        _KEPT + "; of memory, descriptors and file sizes: own only",
    ),
)
