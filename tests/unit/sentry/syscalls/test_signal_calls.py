"""Signal calls of a guest thread, with real signals, in a process of its own."""

from __future__ import annotations

import errno
import os
import signal
import struct
import threading
from pathlib import Path

import pytest

from framework.forked import forked
from framework.guest_parts import call, guest_task
from wirt.abi.linux import signal as abi
from wirt.host import _native
from wirt.sentry import signals
from wirt.sentry.syscalls.signals import CALLS
from wirt.sentry.task import Task

FIRST, SECOND = signal.SIGUSR1, signal.SIGUSR2
AT, THEN = 0x10000, 0x10100
HANDLER = 0x4000


def _bit(number: int) -> int:
    return 1 << number - 1


def _guest() -> Task:
    task = guest_task()
    _native.own_signals()
    signals.forget_handlers(task.process)
    return task


def _ask(task: Task, name: str, *words: int) -> int:
    return call(CALLS, name, task, *words)


def _sigaction(task: Task, number: int, handler: int, flags: int = abi.SA_RESTORER) -> int:
    task.mm.write(AT, abi.kernel_sigaction.pack(handler, flags, 0x5000, 0))
    return _ask(task, "rt_sigaction", number, AT, 0, 8)


def _host_set(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1], 16)


def test_sigaction_gives_back_what_was_set_without_unknown_flags_and_unblockable_signals() -> None:
    def body() -> None:
        task = _guest()
        task.mm.write(AT, abi.kernel_sigaction.pack(HANDLER, 0xFFFF_FFFF, 0x5000, 2**64 - 1))
        assert _ask(task, "rt_sigaction", FIRST, AT, 0, 8) == 0
        assert _ask(task, "rt_sigaction", FIRST, 0, THEN, 8) == 0
        handler, flags, restorer, mask = abi.kernel_sigaction.unpack(task.mm.read(THEN, 32))
        assert (handler, flags, restorer) == (HANDLER, abi.UAPI_SA_FLAGS, 0x5000)
        assert mask == 2**64 - 1 & ~_bit(signal.SIGKILL) & ~_bit(signal.SIGSTOP)

    forked(body)


@pytest.mark.parametrize("number", [0, -1, 65, signal.SIGKILL, signal.SIGSTOP])
def test_sigaction_refuses_signals_that_have_no_action(number: int) -> None:
    assert _sigaction(guest_task(), number, HANDLER) == -errno.EINVAL


def test_sigaction_refuses_a_set_of_another_size_and_bad_addresses() -> None:
    task = guest_task()
    assert _ask(task, "rt_sigaction", FIRST, AT, 0, 16) == -errno.EINVAL
    assert _ask(task, "rt_sigaction", FIRST, 8, 0, 8) == -errno.EFAULT


def test_sigaction_tells_the_host_what_a_signal_does() -> None:
    def body() -> None:
        task = _guest()
        assert _host_set("SigCgt") == _bit(64)  # the monitor's own alone
        assert _sigaction(task, FIRST, HANDLER) == 0
        assert _sigaction(task, SECOND, abi.SIG_IGN) == 0
        assert _sigaction(task, 64, abi.SIG_IGN) == 0
        assert _host_set("SigCgt") == _bit(64) | _bit(FIRST)
        assert _host_set("SigIgn") == _bit(SECOND)
        assert task.process.handled == _bit(FIRST)

    forked(body)


@pytest.mark.parametrize(("handler", "flags"), [(abi.SIG_IGN, 0), (HANDLER, abi.SA_NOCLDWAIT)])
def test_children_vanish_by_themselves_when_nobody_wants_to_hear_of_them(handler: int, flags: int) -> None:
    def body() -> None:
        task = _guest()
        assert _sigaction(task, signal.SIGCHLD, handler, abi.SA_RESTORER | flags) == 0
        child = os.fork()
        if child == 0:
            os._exit(0)
        with pytest.raises(ChildProcessError):
            os.waitpid(child, 0)

    forked(body)


def test_sigprocmask_blocks_unblocks_and_sets() -> None:
    task = guest_task()
    task.mm.put_u64(AT, _bit(FIRST) | _bit(signal.SIGKILL))
    assert _ask(task, "rt_sigprocmask", abi.SIG_BLOCK, AT, THEN, 8) == 0
    assert (task.mask, task.mm.u64(THEN)) == (_bit(FIRST), 0)
    task.mm.put_u64(AT, _bit(SECOND))
    assert _ask(task, "rt_sigprocmask", abi.SIG_BLOCK, AT, 0, 8) == 0
    task.mm.put_u64(AT, _bit(FIRST))
    assert _ask(task, "rt_sigprocmask", abi.SIG_UNBLOCK, AT, 0, 8) == 0
    assert task.mask == _bit(SECOND)
    task.mm.put_u64(AT, 2**64 - 1)
    assert _ask(task, "rt_sigprocmask", abi.SIG_SETMASK, AT, 0, 8) == 0
    assert task.mask == signals.MASKABLE
    assert _ask(task, "rt_sigprocmask", 3, AT, 0, 8) == -errno.EINVAL
    assert _ask(task, "rt_sigprocmask", 3, 0, THEN, 8) == 0
    assert _ask(task, "rt_sigprocmask", abi.SIG_SETMASK, AT, 0, 4) == -errno.EINVAL


def test_sigpending_shows_what_the_guest_blocks() -> None:
    def body() -> None:
        task = _guest()
        assert _sigaction(task, FIRST, HANDLER) == 0
        assert _sigaction(task, SECOND, HANDLER) == 0
        task.mask = _bit(FIRST)
        for number in (FIRST, SECOND):
            assert _ask(task, "kill", os.getpid(), number) == 0
        assert _ask(task, "rt_sigpending", AT, 8) == 0
        assert task.mm.u64(AT) == _bit(FIRST)
        assert _ask(task, "rt_sigpending", AT, 9) == -errno.EINVAL

    forked(body)


def test_sigtimedwait_takes_a_pending_signal_with_what_came_along() -> None:
    def body() -> None:
        task = _guest()
        task.mask = _bit(FIRST)
        task.mm.write(AT, struct.pack("<iii4xiiQ", FIRST, 0, -1, os.getpid(), os.getuid(), 4711).ljust(128, b"\0"))
        assert _ask(task, "rt_sigqueueinfo", os.getpid(), FIRST, AT) == 0
        task.mm.put_u64(AT, _bit(FIRST))
        assert _ask(task, "rt_sigtimedwait", AT, THEN, 0, 8) == FIRST
        assert struct.unpack_from("<iii4xiiQ", task.mm.read(THEN, 128))[5] == 4711
        task.mm.write(THEN, bytes(16))
        assert _ask(task, "rt_sigtimedwait", AT, 0, THEN, 8) == -errno.EAGAIN
        task.mm.write(THEN, struct.pack("<qq", 0, 1_000_000))
        assert _ask(task, "rt_sigtimedwait", AT, 0, THEN, 8) == -errno.EAGAIN
        task.mm.write(THEN, struct.pack("<qq", 0, 1_000_000_000))
        assert _ask(task, "rt_sigtimedwait", AT, 0, THEN, 8) == -errno.EINVAL

    forked(body)


def test_sigtimedwait_is_woken_by_its_signals_and_interrupted_by_others() -> None:
    def body() -> None:
        task = _guest()
        assert _sigaction(task, SECOND, HANDLER) == 0
        task.mask = _bit(FIRST)
        task.mm.put_u64(AT, _bit(FIRST))
        for number, result in ((FIRST, FIRST), (SECOND, -errno.EINTR)):

            def send(number: int = number) -> None:
                while not Path(f"/proc/self/task/{os.getpid()}/syscall").read_text(encoding="ascii").startswith("128 "):
                    os.sched_yield()
                os.kill(os.getpid(), number)

            sender = threading.Thread(target=send)
            sender.start()
            assert _ask(task, "rt_sigtimedwait", AT, 0, 0, 8) == result
            sender.join()

    forked(body)


def test_sigsuspend_waits_under_its_own_mask() -> None:
    def body() -> None:
        task = _guest()
        assert _sigaction(task, FIRST, HANDLER) == 0
        task.mask = _bit(FIRST)
        assert _ask(task, "kill", os.getpid(), FIRST) == 0
        task.mm.put_u64(AT, 0)
        assert _ask(task, "rt_sigsuspend", AT, 8) == -errno.EINTR
        assert (task.mask, task.saved_mask) == (0, _bit(FIRST))
        assert _ask(task, "rt_sigsuspend", AT, 4) == -errno.EINVAL

    forked(body)


def test_sigaltstack_tells_and_takes() -> None:
    task = guest_task()
    assert _ask(task, "sigaltstack", 0, THEN) == 0
    assert abi.stack_t.unpack(task.mm.read(THEN, 24)) == (0, abi.SS_DISABLE, 0)
    rsp = task.vcpu.registers().rsp
    task.mm.write(AT, abi.stack_t.pack(0x18000, 0, 0x10000))
    assert _ask(task, "sigaltstack", AT, 0) == 0
    assert 0x18000 < rsp <= 0x28000
    assert _ask(task, "sigaltstack", AT, THEN) == -errno.EPERM  # its stack pointer is there
    assert _ask(task, "sigaltstack", 0, THEN) == 0
    assert abi.stack_t.unpack(task.mm.read(THEN, 24)) == (0x18000, abi.SS_ONSTACK, 0x10000)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("kill", (0,)),
        ("tkill", (1 << 30,)),
        ("tgkill", (1 << 30, 1 << 30)),
    ],
)
def test_signal_of_the_monitor_cannot_be_sent(name: str, words: tuple[int, ...]) -> None:
    assert _ask(guest_task(), name, *words, 64) == -errno.EINVAL


def test_signals_are_sent_to_threads_and_refused_as_linux_does() -> None:
    def body() -> None:
        task = _guest()
        me = os.getpid()
        assert _sigaction(task, FIRST, HANDLER) == 0
        assert _ask(task, "tgkill", me, me, FIRST) == 0
        assert signals.take(task)
        assert _ask(task, "tkill", me, 65) == -errno.EINVAL
        assert _ask(task, "kill", 1 << 30, 0) == -errno.ESRCH
        assert _ask(task, "tgkill", -1, me, FIRST) == -errno.EINVAL
        assert _ask(task, "rt_tgsigqueueinfo", me, me, FIRST, 8) == -errno.EFAULT
        assert _ask(task, "kill", me, 0) == 0

    forked(body)
