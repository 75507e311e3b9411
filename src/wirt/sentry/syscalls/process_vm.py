"""process_vm_readv and process_vm_writev: a process's own memory. That of others is in their monitors."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

from wirt.abi.linux import unistd
from wirt.host import _native
from wirt.sentry.buffers import MAX_COUNT
from wirt.sentry.failures import fail
from wirt.sentry.mm import PAGE, AddressSpace
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32

__all__ = ["CALLS"]

_IOV_MAX = 1024
_OWN = "a process's own memory; EPERM for that of others, which their monitors have"

_Buffers = list[tuple[int, int]]  # addresses and sizes


def process_vm_readv(task: Task, pid: int, mine: int, count: int, his: int, his_count: int, flags: int) -> int:
    ours, theirs = _both(task, pid, (mine, count), (his, his_count), flags)
    return _copy(task.mm, theirs, ours)


def process_vm_writev(task: Task, pid: int, mine: int, count: int, his: int, his_count: int, flags: int) -> int:
    ours, theirs = _both(task, pid, (mine, count), (his, his_count), flags)
    return _copy(task.mm, ours, theirs)


def _both(task: Task, pid: int, mine: tuple[int, int], his: tuple[int, int], flags: int) -> tuple[_Buffers, _Buffers]:
    if flags:
        fail(errno.EINVAL)
    found = _buffers(task.mm, *mine), _buffers(task.mm, *his)
    number = s32(pid)
    if number != task.process.pid and number not in task.process.tasks:
        result = _native.quick(unistd.SYS_kill, number, 0) if number > 0 else -errno.ESRCH
        fail(errno.ESRCH if result == -errno.ESRCH else errno.EPERM)
    return found


def _buffers(mm: AddressSpace, address: int, count: int) -> _Buffers:
    """An array of struct iovec."""
    if count > _IOV_MAX:
        fail(errno.EINVAL)
    words = struct.unpack(f"<{2 * count}Q", mm.read(address, 16 * count)) if count else ()
    return list(zip(words[::2], words[1::2], strict=True))


def _copy(mm: AddressSpace, source: _Buffers, target: _Buffers) -> int:
    """How far it came; EFAULT when that is nowhere."""
    done = 0
    for here, there, size in _steps(source, target):
        try:
            mm.write(there, mm.read(here, size))
        except OSError:
            return done or -errno.EFAULT
        done += size
        if done >= MAX_COUNT:
            break
    return done


def _steps(source: _Buffers, target: _Buffers) -> Iterator[tuple[int, int, int]]:
    """From, to, size: pieces that lie within one page on both sides, for as long as there is something on both."""
    left, right = source[::-1], target[::-1]
    while left and right:
        (here, size), (there, room) = left.pop(), right.pop()
        step = min(size, room, PAGE - here % PAGE, PAGE - there % PAGE)
        if step:
            yield here, there, step
        if size > step:
            left.append((here + step, size - step))
        if room > step:
            right.append((there + step, room - step))


CALLS = (
    Call(310, "process_vm_readv", process_vm_readv, "pid ptr size ptr size int", Support.PARTIAL, _OWN),
    Call(311, "process_vm_writev", process_vm_writev, "pid ptr size ptr size int", Support.PARTIAL, _OWN),
)
