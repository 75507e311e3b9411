"""futex(2) of a guest thread on real words, with another host thread as the other guest thread."""

from __future__ import annotations

import errno
import os
import signal
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from framework.forked import forked
from framework.guest_parts import call, guest_task
from wirt.host import _native
from wirt.sentry import signals
from wirt.sentry.process import SigAction
from wirt.sentry.syscalls.futex import CALLS
from wirt.sentry.task import Task

WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_BITSET, WAKE_BITSET = (
    0,
    1,
    *range(3, 11),
)
PRIVATE = 128
WORD, OTHER, TIME = 0x10000, 0x10040, 0x10080
ANY = 0xFFFF_FFFF


def _futex(task: Task, word: int, operation: int, value: int = 0, *rest: int) -> int:
    return call(CALLS, "futex", task, word, operation, value, *rest, *(0,) * (3 - len(rest)))


def _with_a_waiter(body: Any, operation: int = WAIT | PRIVATE, *rest: int) -> None:
    """Run ``body(task)`` while another thread waits at ``WORD``; the waiter is woken with 0."""

    def inside() -> None:
        task = guest_task()
        _native.own_signals()
        signals.forget_handlers(task.process)
        answers: list[int] = []
        tids: list[int] = []
        known = threading.Event()

        def wait() -> None:
            tids.append(threading.get_native_id())
            known.set()
            answers.append(_futex(task, WORD, operation, 0, *rest))

        waiter = threading.Thread(target=wait)
        waiter.start()
        known.wait()
        while not Path(f"/proc/self/task/{tids[0]}/syscall").read_text(encoding="ascii").startswith("202 0x"):
            os.sched_yield()
        while "futex" not in Path(f"/proc/self/task/{tids[0]}/wchan").read_text(encoding="ascii"):
            os.sched_yield()
        body(task)
        waiter.join()
        assert answers == [0]

    forked(inside)


def test_wake_wakes_a_waiter() -> None:
    def body(task: Task) -> None:
        assert _futex(task, WORD, WAKE | PRIVATE, 1) == 1
        assert _futex(task, WORD, WAKE | PRIVATE, 1) == 0

    _with_a_waiter(body)


def test_wake_of_bits_wakes_who_waits_for_one_of_them() -> None:
    def body(task: Task) -> None:
        assert _futex(task, WORD, WAKE_BITSET | PRIVATE, 1, 0, 0, 1) == 0
        assert _futex(task, WORD, WAKE_BITSET | PRIVATE, 1, 0, 0, 6) == 1

    _with_a_waiter(body, WAIT_BITSET | PRIVATE, 0, 0, 2)


def test_requeue_moves_a_waiter_to_another_word() -> None:
    def body(task: Task) -> None:
        task.mm.put_u32(WORD, 5)
        assert _futex(task, WORD, CMP_REQUEUE | PRIVATE, 0, 1, OTHER, 4) == -errno.EAGAIN
        assert _futex(task, WORD, CMP_REQUEUE | PRIVATE, 0, 1, OTHER, 5) == 1
        assert _futex(task, WORD, WAKE | PRIVATE, 1) == 0
        assert _futex(task, OTHER, WAKE | PRIVATE, 1) == 1

    _with_a_waiter(body)


def test_wake_op_changes_the_second_word() -> None:
    def body(task: Task) -> None:
        add_one_if_equal_zero = 1 << 28 | 1 << 12
        assert _futex(task, OTHER, WAKE_OP | PRIVATE, 1, 1, WORD, add_one_if_equal_zero) == 1
        assert task.mm.u32(WORD) == 1

    _with_a_waiter(body)


def test_wait_returns_at_once_when_the_word_is_another() -> None:
    task = guest_task()
    assert _futex(task, WORD, WAIT, 7) == -errno.EAGAIN


@pytest.mark.parametrize("time", [(0, 1000), (0, 0)])
def test_wait_times_out(time: tuple[int, int]) -> None:
    task = guest_task()
    task.mm.write(TIME, struct.pack("<qq", *time))
    assert _futex(task, WORD, WAIT | PRIVATE, 0, TIME) == -errno.ETIMEDOUT


def test_lock_with_inheritance_knows_its_owner() -> None:
    task = guest_task()
    tid = threading.get_native_id()
    assert _futex(task, WORD, LOCK_PI | PRIVATE) == 0
    assert task.mm.u32(WORD) == tid
    assert _futex(task, WORD, TRYLOCK_PI | PRIVATE) == -errno.EDEADLK
    assert _futex(task, WORD, UNLOCK_PI | PRIVATE) == 0
    assert task.mm.u32(WORD) == 0
    assert _futex(task, WORD, UNLOCK_PI | PRIVATE) == -errno.EPERM


@pytest.mark.parametrize(
    ("word", "operation", "error"),
    [
        (WORD + 2, WAIT, errno.EINVAL),
        (WORD + 1, WAKE | PRIVATE, errno.EINVAL),
        (8, WAIT | PRIVATE, errno.EFAULT),
        (8, WAKE, errno.EFAULT),
        (1 << 60, WAKE | PRIVATE, errno.EFAULT),
        (WORD, 99, errno.ENOSYS),
        (WORD, 2, errno.ENOSYS),
        (WORD, WAIT_BITSET, errno.EINVAL),  # no bits
    ],
)
def test_futex_refuses_what_linux_refuses(word: int, operation: int, error: int) -> None:
    assert _futex(guest_task(), word, operation, 1) == -error


def test_wake_of_a_private_word_that_is_not_there_wakes_nobody() -> None:
    assert _futex(guest_task(), 8, WAKE | PRIVATE, 1) == 0


def test_waitv_waits_for_several_words() -> None:
    task = guest_task()
    entry = struct.Struct("<QQII")
    task.mm.put_u32(OTHER, 3)
    task.mm.write(TIME, entry.pack(0, WORD, 2, 0) + entry.pack(4, OTHER, 2, 0))
    ask = ("futex_waitv", task, TIME)
    assert call(CALLS, *ask, 2, 0, 0, 0) == -errno.EAGAIN
    assert call(CALLS, *ask, 129, 0, 0, 0) == -errno.EINVAL
    assert call(CALLS, *ask, 0, 0, 0, 0) == -errno.EINVAL
    assert call(CALLS, *ask, 2, 1, 0, 0) == -errno.EINVAL
    task.mm.write(TIME, entry.pack(0, WORD, 2, 0) + entry.pack(3, 8, 2, 0))
    assert call(CALLS, *ask, 2, 0, 0, 0) == -errno.EFAULT


def test_waits_end_with_eintr_when_a_signal_has_a_handler() -> None:
    def body() -> None:
        task = guest_task()
        _native.own_signals()
        signals.forget_handlers(task.process)
        signals.set_action(task.process, signal.SIGUSR1, SigAction(0x4000))
        os.kill(os.getpid(), signal.SIGUSR1)
        assert _futex(task, WORD, WAIT | PRIVATE) == -errno.EINTR

    forked(body)
