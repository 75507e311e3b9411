"""Semaphores and queues of a guest: the host's own, with what they point to translated."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator

import pytest

from framework.guest_parts import call, guest_task
from wirt.host import _native
from wirt.sentry.syscalls.ipc import CALLS
from wirt.sentry.task import Task

AT, THEN = 0x10000, 0x11000
PRIVATE, NOWAIT = 0, 0o4000
RMID, SET, STAT, GETALL, GETVAL, SETVAL, SETALL = 0, 1, 2, 13, 12, 16, 17


def _ask(task: Task, name: str, *words: int) -> int:
    return call(CALLS, name, task, *words)


@pytest.fixture
def semaphores() -> Iterator[int]:
    found = _native.call(64, PRIVATE, 3, 0o600)
    assert found >= 0
    yield found
    _native.call(66, found, 0, RMID)


@pytest.fixture
def messages() -> Iterator[int]:
    found = _native.call(68, PRIVATE, 0o600)
    assert found >= 0
    yield found
    _native.call(71, found, RMID, 0)


def test_semaphores_are_set_and_read(semaphores: int) -> None:
    task = guest_task()
    task.mm.write(AT, struct.pack("<3H", 1, 2, 3))
    assert _ask(task, "semctl", semaphores, 0, SETALL, AT) == 0
    assert _ask(task, "semctl", semaphores, 1, GETVAL, 0) == 2
    assert _ask(task, "semctl", semaphores, 1, SETVAL, 7) == 0
    assert _ask(task, "semctl", semaphores, 0, GETALL, THEN) == 0
    assert struct.unpack("<3H", task.mm.read(THEN, 6)) == (1, 7, 3)
    assert _ask(task, "semctl", semaphores, 0, GETALL, 8) == -errno.EFAULT
    assert _ask(task, "semctl", semaphores, 0, STAT, THEN) == 0
    assert task.mm.u64(THEN + 80) == 3
    assert _ask(task, "semctl", semaphores, 0, SET, THEN) == 0
    assert _ask(task, "semctl", semaphores, 0, 99, AT) == -errno.EINVAL
    assert _ask(task, "semctl", -1, 0, GETALL, AT) == -errno.EINVAL


def test_semaphore_operations(semaphores: int) -> None:
    task = guest_task()
    task.mm.write(AT, struct.pack("<HhhHhh", 0, 2, 0, 0, -1, 0))
    assert _ask(task, "semop", semaphores, AT, 2) == 0
    assert _ask(task, "semctl", semaphores, 0, GETVAL, 0) == 1
    task.mm.write(AT, struct.pack("<Hhh", 0, -2, NOWAIT))
    assert _ask(task, "semop", semaphores, AT, 1) == -errno.EAGAIN
    task.mm.write(AT, struct.pack("<Hhh", 0, -2, 0))
    task.mm.write(THEN, struct.pack("<qq", 0, 1000))
    assert _ask(task, "semtimedop", semaphores, AT, 1, THEN) == -errno.EAGAIN
    assert _ask(task, "semop", semaphores, AT, 0) == -errno.EINVAL
    assert _ask(task, "semop", semaphores, AT, 1 << 20) == -errno.E2BIG
    assert _ask(task, "semop", semaphores, 8, 1) == -errno.EFAULT


def test_messages_go_through_a_queue(messages: int) -> None:
    task = guest_task()
    task.mm.write(AT, struct.pack("<q", 5) + b"message")
    assert _ask(task, "msgsnd", messages, AT, 7, 0) == 0
    assert _ask(task, "msgrcv", messages, THEN, 100, 4, NOWAIT) == -errno.ENOMSG
    assert _ask(task, "msgrcv", messages, THEN, 3, 0, NOWAIT) == -errno.E2BIG
    assert _ask(task, "msgrcv", messages, THEN, 1 << 40, 5, NOWAIT) == 7
    assert task.mm.read(THEN, 15) == struct.pack("<q", 5) + b"message"
    task.mm.put_u64(AT, 0)
    assert _ask(task, "msgsnd", messages, AT, 7, 0) == -errno.EINVAL  # no type
    assert _ask(task, "msgsnd", messages, AT, 1 << 40, 0) == -errno.EINVAL
    assert _ask(task, "msgrcv", messages, THEN, -1, 0, NOWAIT) == -errno.EINVAL
    assert _ask(task, "msgctl", messages, STAT, THEN) == 0
    assert _ask(task, "msgctl", messages, 77, THEN) == -errno.EINVAL


def test_queues_of_posix() -> None:
    task = guest_task()
    name = f"wirt-{os.getpid()}".encode()
    task.mm.write(AT, name + b"\0")
    task.mm.write(THEN, struct.pack("<8q", 0, 2, 16, 0, 0, 0, 0, 0))
    queue = _ask(task, "mq_open", AT, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NONBLOCK, 0o600, THEN)
    assert queue >= 0
    try:
        assert _ask(task, "mq_timedsend", queue, AT, 5, 3, 0) == 0
        assert _ask(task, "mq_timedsend", queue, AT, 17, 3, 0) == -errno.EMSGSIZE
        assert _ask(task, "mq_getsetattr", queue, 0, THEN) == 0
        assert struct.unpack_from("<4q", task.mm.read(THEN, 64)) == (os.O_NONBLOCK, 2, 16, 1)
        assert _ask(task, "mq_timedreceive", queue, THEN, 16, THEN + 64, 0) == 5
        assert (task.mm.read(THEN, 5), task.mm.u32(THEN + 64)) == (name[:5], 3)
        assert _ask(task, "mq_timedreceive", queue, THEN, 16, 0, 0) == -errno.EAGAIN
        task.mm.write(THEN, struct.pack("<Qii", 0, 64, 0).ljust(64, b"\0"))
        assert _ask(task, "mq_notify", queue, THEN) == -errno.EINVAL  # the monitor's own signal
        assert _ask(task, "mq_notify", queue, 0) == 0
        assert _ask(task, "mq_timedsend", 9000, AT, 5, 3, 0) == -errno.EBADF
    finally:
        os.close(queue)
        assert _ask(task, "mq_unlink", AT) == 0
    assert _ask(task, "mq_unlink", AT) == -errno.ENOENT
