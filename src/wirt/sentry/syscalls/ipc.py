"""System V semaphores and message queues, and queues of POSIX: the host's own, in the guest's IPC namespace."""

from __future__ import annotations

import errno
from collections.abc import Callable

from wirt.abi.linux import signal as abi
from wirt.abi.linux.unistd import (
    SYS_mq_getsetattr,
    SYS_mq_notify,
    SYS_mq_open,
    SYS_mq_timedreceive,
    SYS_mq_timedsend,
    SYS_mq_unlink,
    SYS_msgctl,
    SYS_msgrcv,
    SYS_msgsnd,
    SYS_semctl,
    SYS_semtimedop,
)
from wirt.host import _native
from wirt.sentry.answers import passed
from wirt.sentry.buffers import granted, path
from wirt.sentry.descriptors import descriptor
from wirt.sentry.failures import fail
from wirt.sentry.table import Call, Restart
from wirt.sentry.task import Task
from wirt.sentry.words import s32, s64, u32

__all__ = ["CALLS", "control"]

_IPC_RMID, _IPC_SET, _IPC_STAT, _IPC_INFO = 0, 1, 2, 3
_GETALL, _SETALL = 13, 17
_SEMBUF, _SEMOPM_MOST = 6, 32000
_SEM_NSEMS = 80  # its offset in struct semid64_ds
_SEMMSL = 16  # its offset in struct seminfo
_MESSAGE_MOST = 1 << 24  # HARD_MSGSIZEMAX of <linux/ipc_namespace.h>; no message is longer
_TIME, _MQ_ATTR, _SIGEVENT, _COOKIE = 16, 64, 64, 32
_O_CREAT = 0o100
# Commands of semctl(2) and msgctl(2) that fill a structure, with its size: STAT, INFO and their kind. Those without
# one: GETPID, GETVAL, GETNCNT, GETZCNT, SETVAL.
_SEM_ANSWERS = {_IPC_STAT: 104, 18: 104, 20: 104, _IPC_INFO: 40, 19: 40}
_MSG_ANSWERS = {_IPC_STAT: 120, 11: 120, 13: 120, _IPC_INFO: 32, 12: 32}
_SEM_PLAIN = frozenset((_IPC_RMID, 11, 12, 14, 15, 16))
_PLAIN = frozenset((_IPC_RMID,))

Asked = Callable[[int | bytes | bytearray], int]


def control(task: Task, ask: Asked, command: int, word: int, answers: dict[int, int], plain: frozenset[int]) -> int:
    """semctl(2) and its like: commands that fill a structure at ``word``, take one (IPC_SET), or are ``plain``.

    ``ask`` makes the call with its last argument.
    """
    if command in plain:
        return ask(word)
    if command == _IPC_SET:
        return ask(task.mm.read(word, answers[_IPC_STAT]))
    if command not in answers:
        fail(errno.EINVAL)
    structure = bytearray(answers[command])
    result = ask(structure)
    if result >= 0:
        task.mm.write(word, structure)
    return result


# -- semaphores ------------------------------------------------------------------------------------------


def semop(task: Task, identity: int, operations: int, count: int) -> int:
    return semtimedop(task, identity, operations, count, 0)


def semtimedop(task: Task, identity: int, operations: int, count: int, timeout: int) -> int:
    count = u32(count)
    if not count:
        fail(errno.EINVAL)
    if count > _SEMOPM_MOST:
        fail(errno.E2BIG)
    wanted = task.mm.read(operations, count * _SEMBUF)
    limit = task.timespec(task.mm.read(timeout, _TIME)) if timeout else 0
    return task.wait(SYS_semtimedop, identity, wanted, count, limit)


def semctl(task: Task, identity: int, which: int, command: int, word: int) -> int:
    command = s32(command)

    def ask(argument: int | bytes | bytearray) -> int:
        return _native.call(SYS_semctl, identity, which, command, argument)

    if command not in (_GETALL, _SETALL):
        return control(task, ask, command, word, _SEM_ANSWERS, _SEM_PLAIN)
    about = bytearray(_SEM_ANSWERS[_IPC_STAT])
    result = _native.call(SYS_semctl, identity, which, _IPC_STAT, about)
    if result < 0:
        return result
    size = 2 * int.from_bytes(about[_SEM_NSEMS : _SEM_NSEMS + 8], "little")
    values = bytearray(max(size, _largest_set()))
    if command == _SETALL:
        values[:size] = task.mm.read(word, size)
    result = ask(values)
    if result >= 0 and command == _GETALL:
        task.mm.write(word, values[:size])
    return result


def _largest_set() -> int:
    """Bytes of values that any set has: meanwhile there may be another of the same number, as large as there are."""
    limits = bytearray(_SEM_ANSWERS[_IPC_INFO])
    _native.call(SYS_semctl, 0, 0, _IPC_INFO, limits)
    return 2 * int.from_bytes(limits[_SEMMSL : _SEMMSL + 4], "little")


# -- messages --------------------------------------------------------------------------------------------


def msgsnd(task: Task, identity: int, message: int, size: int, flags: int) -> int:
    """struct msgbuf is a long, the type, and ``size`` bytes of text."""
    if size > _MESSAGE_MOST:
        fail(errno.EINVAL)
    return task.wait(SYS_msgsnd, identity, task.mm.read(message, 8 + size), size, flags)


def msgrcv(task: Task, identity: int, message: int, size: int, kind: int, flags: int) -> int:
    if s64(size) < 0:
        fail(errno.EINVAL)
    room = min(size, _MESSAGE_MOST)
    found = bytearray(8 + room)
    result = task.wait(SYS_msgrcv, identity, found, room, kind, flags)
    if result >= 0:
        task.mm.write(message, found[: 8 + result])
    return result


def msgctl(task: Task, identity: int, command: int, word: int) -> int:
    def ask(argument: int | bytes | bytearray) -> int:
        return _native.call(SYS_msgctl, identity, command, argument)

    return control(task, ask, s32(command), word, _MSG_ANSWERS, _PLAIN)


# -- queues of POSIX -------------------------------------------------------------------------------------


def mq_open(task: Task, name: int, flags: int, mode: int, attributes: int) -> int:
    flags = u32(flags)
    wanted = task.mm.read(attributes, _MQ_ATTR) if attributes and flags & _O_CREAT else 0
    return granted(task, _native.call(SYS_mq_open, path(task, name), flags, mode, wanted))


def mq_unlink(task: Task, name: int) -> int:
    return _native.call(SYS_mq_unlink, path(task, name))


def mq_timedsend(task: Task, queue: int, message: int, size: int, priority: int, timeout: int) -> int:
    if size > _MESSAGE_MOST:
        fail(errno.EMSGSIZE)
    limit = task.mm.read(timeout, _TIME) if timeout else 0
    text = task.mm.read(message, size) if size else b""
    return task.wait(SYS_mq_timedsend, descriptor(queue), text, size, priority, limit)


def mq_timedreceive(task: Task, queue: int, message: int, size: int, priority: int, timeout: int) -> int:
    limit = task.mm.read(timeout, _TIME) if timeout else 0
    room = min(size, _MESSAGE_MOST)
    found, rank = bytearray(room), bytearray(4)
    result = task.wait(SYS_mq_timedreceive, descriptor(queue), found, room, rank, limit)
    if result >= 0:
        task.mm.write(message, found[:result])
        if priority:
            task.mm.write(priority, rank)
    return result


def mq_notify(task: Task, queue: int, event: int) -> int:
    """struct sigevent; with SIGEV_THREAD its value points to a cookie that comes through a socket of the guest's."""
    if not event:
        return _native.call(SYS_mq_notify, descriptor(queue), 0)
    wanted = bytearray(task.mm.read(event, _SIGEVENT))
    number, notify = (int.from_bytes(wanted[at : at + 4], "little") for at in (8, 12))
    if number == abi.SIGRTMAX and notify == abi.SIGEV_SIGNAL:
        fail(errno.EINVAL)
    if notify != abi.SIGEV_THREAD:
        return _native.call(SYS_mq_notify, descriptor(queue), wanted)
    descriptor(number)
    cookie = task.mm.read(int.from_bytes(wanted[:8], "little"), _COOKIE)
    wanted[:8] = _native.address_of(cookie).to_bytes(8, "little")
    return _native.call(SYS_mq_notify, descriptor(queue), wanted)


def mq_getsetattr(task: Task, queue: int, wanted: int, before: int) -> int:
    new = task.mm.read(wanted, _MQ_ATTR) if wanted else 0
    old = bytearray(_MQ_ATTR)
    result = _native.call(SYS_mq_getsetattr, descriptor(queue), new, old)
    if result >= 0 and before:
        task.mm.write(before, old)
    return result


CALLS = (
    Call(64, "semget", passed(64), "int int int"),
    Call(65, "semop", semop, "int ptr size", restart=Restart.NEVER),
    Call(66, "semctl", semctl, "int int int ptr"),
    Call(68, "msgget", passed(68), "int int"),
    Call(69, "msgsnd", msgsnd, "int ptr size int", restart=Restart.NOHAND),
    Call(70, "msgrcv", msgrcv, "int ptr size off int", restart=Restart.NOHAND),
    Call(71, "msgctl", msgctl, "int int ptr"),
    Call(220, "semtimedop", semtimedop, "int ptr size ptr", restart=Restart.NEVER),
    Call(240, "mq_open", mq_open, "path flags:open mode ptr"),
    Call(241, "mq_unlink", mq_unlink, "path"),
    Call(242, "mq_timedsend", mq_timedsend, "fd ptr size int ptr"),
    Call(243, "mq_timedreceive", mq_timedreceive, "fd ptr size ptr ptr"),
    Call(244, "mq_notify", mq_notify, "fd ptr"),
    Call(245, "mq_getsetattr", mq_getsetattr, "fd ptr ptr"),
)
