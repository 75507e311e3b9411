"""futex(2): the host's own, on the host's addresses of the guest's words.

Guest threads are host threads of one host process, so private futexes stay private, the thread ids in
priority-inheriting ones are right, and words in shared mappings meet across processes.
"""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux.signal import TASK_SIZE_MAX
from wirt.abi.linux.unistd import SYS_futex, SYS_futex_waitv
from wirt.host import _native
from wirt.sentry.failures import fail
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

_FUTEX_WAIT, _FUTEX_WAKE, _FUTEX_REQUEUE, _FUTEX_CMP_REQUEUE, _FUTEX_WAKE_OP, _FUTEX_LOCK_PI = 0, 1, 3, 4, 5, 6
_FUTEX_UNLOCK_PI, _FUTEX_TRYLOCK_PI, _FUTEX_WAIT_BITSET, _FUTEX_WAKE_BITSET, _FUTEX_WAIT_REQUEUE_PI = 7, 8, 9, 10, 11
_FUTEX_CMP_REQUEUE_PI, _FUTEX_LOCK_PI2 = 12, 13
_PRIVATE_FLAG, _CLOCK_REALTIME = 128, 256
_WAITS = frozenset((_FUTEX_WAIT, _FUTEX_WAIT_BITSET, _FUTEX_LOCK_PI, _FUTEX_LOCK_PI2, _FUTEX_WAIT_REQUEUE_PI))
_TWO_WORDS = frozenset(
    (_FUTEX_REQUEUE, _FUTEX_CMP_REQUEUE, _FUTEX_WAKE_OP, _FUTEX_WAIT_REQUEUE_PI, _FUTEX_CMP_REQUEUE_PI)
)
# Operations that write to the first word; WAKE_OP writes to the second.
_WRITE = frozenset((_FUTEX_LOCK_PI, _FUTEX_LOCK_PI2, _FUTEX_UNLOCK_PI, _FUTEX_TRYLOCK_PI))
_WRITE_SECOND = frozenset((_FUTEX_WAKE_OP, _FUTEX_WAIT_REQUEUE_PI, _FUTEX_CMP_REQUEUE_PI))
_WAITV = struct.Struct("<QQII")  # val, uaddr, flags, __reserved
_WAITV_MOST = 128
_TIMESPEC = 16


def _word(task: Task, address: int, *, write: bool = False) -> int:
    """The host's address of a word; EINVAL when it is not aligned, EFAULT when it is not there."""
    if address % 4:
        fail(errno.EINVAL)
    return task.mm.host(address, 4, write)


def futex(task: Task, address: int, operation: int, value: int, timeout: int, second: int, third: int) -> int:
    operation = u32(operation)
    command = operation & ~(_PRIVATE_FLAG | _CLOCK_REALTIME)
    if command > _FUTEX_LOCK_PI2 or command == 2:  # 2 was FUTEX_FD
        return -errno.ENOSYS
    if command in (_FUTEX_WAKE, _FUTEX_WAKE_BITSET):
        return _wake(task, address, operation, value, third)
    word = _word(task, address, write=command in _WRITE)
    other = _word(task, second, write=command in _WRITE_SECOND) if command in _TWO_WORDS else 0
    if command in _WAITS:
        limit = task.mm.read(timeout, _TIMESPEC) if timeout else 0
        if isinstance(limit, bytes) and command == _FUTEX_WAIT:  # the others name a moment
            limit = task.timespec(limit)
        return task.wait(SYS_futex, word, operation, value, limit, other, third)
    return _native.call(SYS_futex, word, operation, value, timeout, other, third)


def _wake(task: Task, address: int, operation: int, value: int, bits: int) -> int:
    """To wake at a private word does not touch it: nobody waits where nothing is, and C libraries may ask."""
    try:
        word = _word(task, address)
    except OSError as error:
        if error.errno == errno.EFAULT and operation & _PRIVATE_FLAG and address < TASK_SIZE_MAX:
            return 0
        raise
    return _native.quick(SYS_futex, word, operation, value, 0, 0, bits)


def futex_waitv(task: Task, waiters: int, count: int, flags: int, timeout: int, clock: int) -> int:
    count = u32(count)
    if u32(flags) or not 1 <= count <= _WAITV_MOST:
        fail(errno.EINVAL)
    limit = task.mm.read(timeout, _TIMESPEC) if timeout else 0
    entries = bytearray()
    for value, address, kind, reserved in _WAITV.iter_unpack(task.mm.read(waiters, count * _WAITV.size)):
        entries += _WAITV.pack(value, _word(task, address), kind, reserved)
    return task.wait(SYS_futex_waitv, entries, count, 0, limit, clock)


CALLS = (
    Call(202, "futex", futex, "ptr int int ptr ptr int"),
    Call(449, "futex_waitv", futex_waitv, "ptr int int ptr int"),
)
