"""Scheduling: a guest's threads are host threads, which the host kernel schedules as it is asked to."""

from __future__ import annotations

import errno

from wirt.abi.linux.unistd import (
    SYS_getcpu,
    SYS_sched_getaffinity,
    SYS_sched_getattr,
    SYS_sched_getparam,
    SYS_sched_rr_get_interval,
    SYS_sched_setaffinity,
    SYS_sched_setattr,
    SYS_sched_setparam,
    SYS_sched_setscheduler,
    SYS_sched_yield,
)
from wirt.host import _native
from wirt.sentry.answers import passed, refused
from wirt.sentry.failures import fail
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

_MASK_MOST = 1024  # bytes: more processors than Linux can have
_ATTR_LEAST, _ATTR_MOST = 48, 4096  # SCHED_ATTR_SIZE_VER0, a page


def sched_yield(_task: Task) -> int:
    """The interpreter's lock is given up, too: another thread of the guest may be waiting for it."""
    return _native.call(SYS_sched_yield)


def sched_setparam(task: Task, pid: int, param: int) -> int:
    if not param:
        fail(errno.EINVAL)
    return _native.quick(SYS_sched_setparam, pid, task.mm.read(param, 4))


def sched_setscheduler(task: Task, pid: int, policy: int, param: int) -> int:
    if not param:
        fail(errno.EINVAL)
    return _native.quick(SYS_sched_setscheduler, pid, policy, task.mm.read(param, 4))


def sched_getparam(task: Task, pid: int, param: int) -> int:
    if not param:
        fail(errno.EINVAL)
    value = bytearray(4)
    result = _native.quick(SYS_sched_getparam, pid, value)
    if result >= 0:
        task.mm.write(param, value)
    return result


def sched_rr_get_interval(task: Task, pid: int, address: int) -> int:
    span = bytearray(16)
    result = _native.quick(SYS_sched_rr_get_interval, pid, span)
    if result >= 0:
        task.mm.write(address, span)
    return result


def sched_setaffinity(task: Task, pid: int, size: int, mask: int) -> int:
    size = min(u32(size), _MASK_MOST)
    return _native.quick(SYS_sched_setaffinity, pid, size, task.mm.read(mask, size))


def sched_getaffinity(task: Task, pid: int, size: int, mask: int) -> int:
    """The bytes that were filled, as the raw call has it."""
    size = u32(size)
    if size % 8:
        fail(errno.EINVAL)
    found = bytearray(min(size, _MASK_MOST))
    result = _native.quick(SYS_sched_getaffinity, pid, len(found), found)
    if result > 0:
        task.mm.write(mask, found[:result])
    return result


def sched_setattr(task: Task, pid: int, address: int, flags: int) -> int:
    """struct sched_attr begins with its size; E2BIG tells the kernel's there."""
    if not address:
        fail(errno.EINVAL)
    size = task.mm.u32(address) or _ATTR_LEAST
    attributes = bytearray(task.mm.read(address, size)) if _ATTR_LEAST <= size <= _ATTR_MOST else bytearray(_ATTR_MOST)
    attributes[:4] = size.to_bytes(4, "little")
    result = _native.quick(SYS_sched_setattr, pid, attributes, flags)
    if result == -errno.E2BIG:
        task.mm.write(address, attributes[:4])
    return result


def sched_getattr(task: Task, pid: int, address: int, size: int, flags: int) -> int:
    size = u32(size)
    if not address or not _ATTR_LEAST <= size <= _ATTR_MOST:
        fail(errno.EINVAL)
    attributes = bytearray(size)
    result = _native.quick(SYS_sched_getattr, pid, attributes, size, flags)
    if result >= 0:
        task.mm.write(address, attributes)
    return result


def getcpu(task: Task, cpu: int, node: int) -> int:
    where, which = bytearray(4), bytearray(4)
    _native.quick(SYS_getcpu, where, which, 0)
    if cpu:
        task.mm.write(cpu, where)
    if node:
        task.mm.write(node, which)
    return 0


CALLS = (
    Call(24, "sched_yield", sched_yield),
    Call(142, "sched_setparam", sched_setparam, "pid ptr"),
    Call(143, "sched_getparam", sched_getparam, "pid ptr"),
    Call(144, "sched_setscheduler", sched_setscheduler, "pid int ptr"),
    Call(145, "sched_getscheduler", passed(145), "pid"),
    Call(146, "sched_get_priority_max", passed(146), "int"),
    Call(147, "sched_get_priority_min", passed(147), "int"),
    Call(148, "sched_rr_get_interval", sched_rr_get_interval, "pid ptr"),
    Call(203, "sched_setaffinity", sched_setaffinity, "pid size ptr"),
    Call(204, "sched_getaffinity", sched_getaffinity, "pid size ptr"),
    Call(309, "getcpu", getcpu, "ptr ptr", note="of the host"),
    Call(314, "sched_setattr", sched_setattr, "pid ptr int"),
    Call(315, "sched_getattr", sched_getattr, "pid ptr size int"),
    *refused(errno.ENOSYS, "ENOSYS: C libraries do without", (334, "rseq")),
    *refused(
        errno.ENOSYS,
        "ENOSYS: a guest's memory has no nodes",
        (237, "mbind"),
        (238, "set_mempolicy"),
        (239, "get_mempolicy"),
        (256, "migrate_pages"),
        (279, "move_pages"),
        (450, "set_mempolicy_home_node"),
    ),
)
