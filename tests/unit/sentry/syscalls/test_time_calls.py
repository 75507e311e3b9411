"""Clocks and timers of a guest."""

from __future__ import annotations

import errno
import os
import signal
import struct
import threading
import time
from pathlib import Path

import pytest

from framework.forked import forked
from framework.guest_parts import call, guest_task
from wirt.abi.linux import signal as abi
from wirt.host import _native
from wirt.sentry import signals
from wirt.sentry.process import SigAction
from wirt.sentry.syscalls.time import CALLS
from wirt.sentry.task import Task

AT, THEN, LATER = 0x10000, 0x10100, 0x10200


def _ask(task: Task, name: str, *words: int) -> int:
    return call(CALLS, name, task, *words)


def _time(task: Task, address: int) -> float:
    seconds, nanoseconds = struct.unpack("<qq", task.mm.read(address, 16))
    return float(seconds) + nanoseconds / 1e9


@pytest.mark.parametrize("clock", [time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME])
def test_clocks_are_the_hosts(clock: int) -> None:
    task = guest_task()
    before = time.clock_gettime(clock)
    assert _ask(task, "clock_gettime", clock, AT) == 0
    assert before - 1e-6 <= _time(task, AT) <= time.clock_gettime(clock)
    assert _ask(task, "clock_getres", clock, AT) == 0
    assert _time(task, AT) == time.clock_getres(clock)
    assert _ask(task, "clock_getres", clock, 0) == 0


def test_clocks_are_refused_as_linux_does() -> None:
    task = guest_task()
    assert _ask(task, "clock_gettime", 99, AT) == -errno.EINVAL
    assert _ask(task, "clock_gettime", 0, 8) == -errno.EFAULT
    for fd in (1 << 20, 9000):  # the clock of a descriptor that is no guest's
        assert _ask(task, "clock_gettime", (~fd << 3) | 3, AT) == -errno.EINVAL
    for name, arity in (("clock_settime", 0), ("settimeofday", 0)):
        assert _ask(task, name, *(0,) * arity) == -errno.EPERM


def test_old_ways_to_ask_for_the_time() -> None:
    task = guest_task()
    now = time.time()
    assert now - 2 < _ask(task, "time", AT) <= now + 1
    assert task.mm.u64(AT) == pytest.approx(now, abs=2)
    assert _ask(task, "gettimeofday", AT, THEN) == 0
    assert struct.unpack("<qq", task.mm.read(AT, 16))[0] == pytest.approx(now, abs=2)
    assert _ask(task, "gettimeofday", 0, 0) == 0
    assert _ask(task, "times", 0) > 0
    assert _ask(task, "times", AT) > 0
    assert task.mm.u64(AT) / os.sysconf("SC_CLK_TCK") <= os.times().user


@pytest.mark.parametrize(("name", "before"), [("adjtimex", ()), ("clock_adjtime", (0,))])
def test_clock_may_be_looked_at_and_not_adjusted(name: str, before: tuple[int, ...]) -> None:
    task = guest_task()
    assert _ask(task, name, *before, AT) >= 0
    task.mm.put_u32(AT, 0x4000)
    assert _ask(task, name, *before, AT) == -errno.EPERM


def test_nanosleep_sleeps_and_refuses_what_is_no_time() -> None:
    task = guest_task()
    task.mm.write(AT, struct.pack("<qq", 0, 2_000_000))
    start = time.monotonic()
    assert _ask(task, "nanosleep", AT, 0) == 0
    assert _ask(task, "clock_nanosleep", time.CLOCK_MONOTONIC, 0, AT, THEN) == 0
    assert time.monotonic() - start >= 0.004
    task.mm.write(AT, struct.pack("<qq", 0, 1_000_000_000))
    assert _ask(task, "nanosleep", AT, 0) == -errno.EINVAL
    assert _ask(task, "nanosleep", 8, 0) == -errno.EFAULT


@pytest.mark.parametrize("name", ["nanosleep", "clock_nanosleep"])
def test_interrupted_sleep_tells_what_was_left(name: str) -> None:
    number = 35 if name == "nanosleep" else 230

    def body() -> None:
        task = guest_task()
        _native.own_signals()
        signals.forget_handlers(task.process)
        signals.set_action(task.process, signal.SIGUSR1, SigAction(0x4000, abi.SA_RESTART))
        main = os.getpid()

        def send() -> None:
            while not Path(f"/proc/self/task/{main}/syscall").read_text(encoding="ascii").startswith(f"{number} "):
                os.sched_yield()
            os.kill(main, signal.SIGUSR1)

        task.mm.write(AT, struct.pack("<qq", 60, 0))
        sender = threading.Thread(target=send)
        sender.start()
        words = (AT, THEN) if name == "nanosleep" else (time.CLOCK_REALTIME, 0, AT, THEN)
        assert _ask(task, name, *words) == -errno.EINTR
        sender.join()
        assert 50 < _time(task, THEN) < 60
        assert _native.interruption() == 0  # over, in spite of SA_RESTART
        assert _ask(task, name, *words) == -errno.EINTR  # the signal waits still: nothing was slept
        assert _time(task, THEN) == 60

    forked(body)


def test_interval_timer_sends_its_signal() -> None:
    def body() -> None:
        task = guest_task()
        _native.own_signals()
        signals.forget_handlers(task.process)
        signals.set_action(task.process, signal.SIGALRM, SigAction(0x4000, abi.SA_RESTORER))
        task.mm.write(AT, struct.pack("<qqqq", 0, 0, 0, 1000))
        assert _ask(task, "setitimer", signal.ITIMER_REAL, AT, THEN) == 0
        assert task.mm.read(THEN, 32) == bytes(32)
        assert task.wait(34) == -errno.EINTR
        assert signals.take(task)
        task.mm.write(AT, struct.pack("<qqqq", 0, 0, 100, 0))
        assert _ask(task, "setitimer", signal.ITIMER_REAL, AT, 0) == 0
        assert _ask(task, "getitimer", signal.ITIMER_REAL, THEN) == 0
        assert 99 <= _time(task, THEN + 16) <= 100
        assert _ask(task, "alarm", 0) == 100
        assert _ask(task, "setitimer", 7, AT, 0) == -errno.EINVAL
        assert _ask(task, "getitimer", signal.ITIMER_REAL, 0) == -errno.EFAULT

    forked(body)


def _event(number: int, notify: int, tid: int = 0) -> bytes:
    return struct.pack("<Qiii", 4711, number, notify, tid).ljust(64, b"\0")


def test_timer_of_posix_sends_its_value_to_a_thread() -> None:
    def body() -> None:
        task = guest_task()
        _native.own_signals()
        signals.forget_handlers(task.process)
        signals.set_action(task.process, signal.SIGUSR1, SigAction(0x4000, abi.SA_RESTORER))
        task.mm.write(AT, _event(signal.SIGUSR1, abi.SIGEV_THREAD_ID, os.getpid()))
        assert _ask(task, "timer_create", time.CLOCK_MONOTONIC, AT, THEN) == 0
        timer = task.mm.u32(THEN)
        task.mm.write(AT, struct.pack("<qqqq", 0, 0, 0, 1000))
        assert _ask(task, "timer_settime", timer, 0, AT, LATER) == 0
        assert task.wait(34) == -errno.EINTR
        assert signals.take(task)
        info = task.mm.read(task.vcpu.registers().rsi, 128)
        assert struct.unpack_from("<iii4xiiQ", info) == (signal.SIGUSR1, 0, -2, timer, 0, 4711)
        assert _ask(task, "timer_gettime", timer, LATER) == 0
        assert _ask(task, "timer_getoverrun", timer) == 0
        assert _ask(task, "timer_delete", timer) == 0
        assert _ask(task, "timer_delete", timer) == -errno.EINVAL

    forked(body)


def test_timers_end_with_the_program() -> None:
    def body() -> None:
        task = guest_task()
        assert _ask(task, "timer_create", time.CLOCK_MONOTONIC, 0, THEN) == 0
        timer = task.mm.u32(THEN)
        for hook in task.process.on_exec:
            hook(task.process)
        assert _ask(task, "timer_gettime", timer, LATER) == -errno.EINVAL

    forked(body)


@pytest.mark.parametrize(
    "event",
    [
        _event(64, abi.SIGEV_SIGNAL),
        _event(signal.SIGUSR1, abi.SIGEV_THREAD_ID, 1),
        _event(70, abi.SIGEV_SIGNAL),
    ],
)
def test_timers_with_signals_that_a_guest_cannot_have_are_refused(event: bytes) -> None:
    task = guest_task()
    task.mm.write(AT, event)
    assert _ask(task, "timer_create", time.CLOCK_MONOTONIC, AT, THEN) == -errno.EINVAL


def test_timer_that_cannot_be_told_of_is_none() -> None:
    task = guest_task()
    assert _ask(task, "timer_create", time.CLOCK_MONOTONIC, 0, 8) == -errno.EFAULT
    assert "ID:" not in Path("/proc/self/timers").read_text(encoding="ascii")
