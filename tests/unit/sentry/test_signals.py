"""What signals do to a guest thread: real signals, in a process of its own, without a virtual machine."""

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
from framework.guest_parts import Cpu, clean_state, guest_task
from wirt.abi.linux import signal as abi
from wirt.host import _native
from wirt.sentry import signals
from wirt.sentry.process import SigAction
from wirt.sentry.table import Call, Restart
from wirt.sentry.task import AltStack, Task

HANDLER, RESTORER = 0x4000, 0x5000
ALWAYS = abi.SA_RESTORER | abi.SA_SIGINFO
FIRST, SECOND = signal.SIGUSR1, signal.SIGUSR2
READ, GETPID, NANOSLEEP = 0, 39, 35
ANSWER = 0xFFFF_FFFF_FFFF_FFFC  # -EINTR


def _never(_task: Task) -> int:
    raise AssertionError("a test asks for no call")


def _call(restart: Restart = Restart.SYS) -> Call:
    return Call(READ, "read", _never, restart=restart)


def _guest() -> Task:
    """As a guest's first program starts."""
    task = guest_task()
    _native.own_signals()
    signals.forget_handlers(task.process)
    return task


def _handle(task: Task, number: int, flags: int = 0, mask: int = 0, handler: int = HANDLER) -> None:
    signals.set_action(task.process, number, SigAction(handler, ALWAYS | flags, RESTORER, mask))


def _cpu(task: Task) -> Cpu:
    cpu: Any = task.vcpu
    assert isinstance(cpu, Cpu)
    return cpu


def _bit(number: int) -> int:
    return 1 << number - 1


def _in_call(number: int) -> None:
    """Until the main thread is in system call ``number``."""
    while not Path(f"/proc/self/task/{os.getpid()}/syscall").read_text(encoding="ascii").startswith(f"{number} "):
        os.sched_yield()


def _read_interrupted_by(task: Task, number: int) -> int:
    """A read of an empty pipe, which another thread's signal ends."""

    def send() -> None:
        _in_call(READ)
        os.kill(os.getpid(), number)

    reader, _ = os.pipe()
    sender = threading.Thread(target=send)
    sender.start()
    result = task.wait(READ, reader, bytearray(1), 1)
    sender.join()
    return result


def test_take_without_a_signal_changes_nothing() -> None:
    def body() -> None:
        task = _guest()
        before = _cpu(task).registers()
        assert not signals.take(task)
        assert _cpu(task).registers() == before

    forked(body)


def test_take_runs_the_handler_and_sigreturn_goes_back() -> None:
    def body() -> None:
        task = _guest()
        cpu = _cpu(task)
        cpu.extended = cpu.extended[:600] + b"\7" * 232
        before, extended = cpu.registers(), cpu.xsave()
        _handle(task, FIRST, mask=_bit(SECOND))
        os.kill(os.getpid(), FIRST)
        assert signals.take(task)
        state = cpu.registers()
        assert (state.rip, state.rdi, state.rax) == (HANDLER, FIRST, 0)
        assert task.mm.u64(state.rsp) == RESTORER
        assert task.mm.u32(state.rsi) == FIRST
        assert task.mm.u32(state.rsi + 16) == os.getpid()  # si_pid
        assert task.mask == _bit(FIRST) | _bit(SECOND)
        assert cpu.extended == clean_state()
        state.rsp += 8  # the handler's ret
        cpu.resume(state)
        signals.sigreturn(task)
        assert cpu.registers() == before
        assert cpu.xsave()[520:] == extended[520:]
        assert task.mask == 0

    forked(body)


def test_blocked_signals_wait() -> None:
    def body() -> None:
        task = _guest()
        _handle(task, FIRST)
        task.mask = _bit(FIRST)
        os.kill(os.getpid(), FIRST)
        assert not signals.take(task)
        task.mask = 0
        assert signals.take(task)

    forked(body)


def test_nodefer_and_resethand() -> None:
    def body() -> None:
        task = _guest()
        _handle(task, FIRST, abi.SA_NODEFER | abi.SA_RESETHAND)
        os.kill(os.getpid(), FIRST)
        assert signals.take(task)
        assert task.mask == 0
        assert task.process.actions[FIRST].handler == abi.SIG_DFL
        assert not task.process.handled & _bit(FIRST)
        os.kill(os.getpid(), FIRST)
        signals.take(task)  # its default is to end us

    with pytest.raises(AssertionError, match=f"status -{FIRST.value}"):
        forked(body)


def test_handler_runs_on_the_alternate_stack() -> None:
    def body() -> None:
        task = _guest()
        task.altstack = AltStack(task.mm.base, 0, 0x8000)  # type: ignore[attr-defined]
        _handle(task, FIRST, abi.SA_ONSTACK)
        os.kill(os.getpid(), FIRST)
        assert signals.take(task)
        inner = _cpu(task).registers().rsp
        assert task.altstack.base < inner < task.altstack.base + 0x8000
        assert signals.change_altstack(task, AltStack(), inner) == -errno.EPERM
        task.mask = 0
        os.kill(os.getpid(), FIRST)
        assert signals.take(task)  # a second one goes below the first
        assert _cpu(task).registers().rsp < inner

    forked(body)


def test_autodisarm_gives_the_alternate_stack_back_with_the_frame() -> None:
    def body() -> None:
        task = _guest()
        wanted = AltStack(task.mm.base, abi.SS_AUTODISARM, 0x8000)  # type: ignore[attr-defined]
        assert signals.change_altstack(task, wanted, 0) == 0
        _handle(task, FIRST, abi.SA_ONSTACK)
        os.kill(os.getpid(), FIRST)
        assert signals.take(task)
        assert task.altstack == AltStack()
        _cpu(task).state.rsp += 8
        signals.sigreturn(task)
        assert task.altstack == wanted

    forked(body)


@pytest.mark.parametrize(
    ("wanted", "result"),
    [
        (AltStack(0x20000, 0, 2047), -errno.ENOMEM),
        (AltStack(0x20000, 4, 8192), -errno.EINVAL),
        (AltStack(0x20000, abi.SS_ONSTACK, 8192), 0),
        (AltStack(0x20000, abi.SS_DISABLE, 1), 0),
    ],
)
def test_altstack_is_checked(wanted: AltStack, result: int) -> None:
    task = guest_task()
    assert signals.change_altstack(task, wanted, 0x30000) == result


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGQUIT, signal.SIGALRM])
def test_default_actions_end_the_process_with_their_signal(number: signal.Signals) -> None:
    def body() -> None:
        task = _guest()
        os.kill(os.getpid(), number)
        signals.take(task)

    with pytest.raises(AssertionError, match=f"status -{number.value}"):
        forked(body)


def test_ignored_signals_do_not_interrupt() -> None:
    def body() -> None:
        task = _guest()
        signals.set_action(task.process, FIRST, SigAction(abi.SIG_IGN))

        def send() -> None:
            _in_call(NANOSLEEP)
            os.kill(os.getpid(), FIRST)
            os.kill(os.getpid(), signal.SIGCHLD)

        sender = threading.Thread(target=send)
        sender.start()
        assert task.wait(NANOSLEEP, (0).to_bytes(8, "little") + (10**8).to_bytes(8, "little")) == 0
        sender.join()

    forked(body)


@pytest.mark.parametrize(("flags", "again"), [(abi.SA_RESTART, True), (0, False)])
def test_interrupted_call_is_made_again_with_sa_restart(flags: int, again: bool) -> None:
    def body() -> None:
        task = _guest()
        _handle(task, FIRST, flags)
        before = _cpu(task).registers()
        assert _read_interrupted_by(task, FIRST) == -errno.EINTR
        signals.interrupted(task, _call())
        assert _cpu(task).state.rip == HANDLER
        _cpu(task).state.rsp += 8
        signals.sigreturn(task)
        after = _cpu(task).registers()
        assert (after.rip, after.rax) == ((before.rip - 2, READ) if again else (before.rip, ANSWER))

    forked(body)


@pytest.mark.parametrize(("restart", "again"), [(Restart.SYS, True), (Restart.NOHAND, False), (Restart.NEVER, False)])
def test_signal_before_the_call_decides_by_the_kind_of_call(restart: Restart, again: bool) -> None:
    def body() -> None:
        task = _guest()
        _handle(task, FIRST)
        before = _cpu(task).registers()
        os.kill(os.getpid(), FIRST)
        assert task.wait(GETPID) == -errno.EINTR
        signals.interrupted(task, _call(restart))
        _cpu(task).state.rsp += 8
        signals.sigreturn(task)
        assert _cpu(task).registers().rip == (before.rip - 2 if again else before.rip)

    forked(body)


def test_kick_makes_every_call_again() -> None:
    def body() -> None:
        task = _guest()
        before = _cpu(task).registers()
        assert _read_interrupted_by(task, abi.SIGRTMAX) == -errno.EINTR
        signals.interrupted(task, _call(Restart.NEVER))
        assert _cpu(task).registers().rip == before.rip - 2

    forked(body)


def test_wait_masked_keeps_its_mask_for_the_handler_and_restores_the_saved_one() -> None:
    def body() -> None:
        task = _guest()
        _handle(task, FIRST, abi.SA_RESTART)
        task.mask = _bit(FIRST) | _bit(SECOND)
        os.kill(os.getpid(), FIRST)
        assert signals.wait_masked(task, _bit(signal.SIGHUP), GETPID) == -errno.EINTR
        signals.interrupted(task, _call(Restart.SYS))
        assert task.mask == _bit(signal.SIGHUP) | _bit(FIRST)
        assert task.saved_mask is None
        _cpu(task).state.rsp += 8
        signals.sigreturn(task)
        assert _cpu(task).state.rax == ANSWER
        assert task.mask == _bit(FIRST) | _bit(SECOND)
        assert signals.wait_masked(task, 0, GETPID) == os.getpid()
        assert (task.mask, task.saved_mask) == (_bit(FIRST) | _bit(SECOND), None)

    forked(body)


def test_force_tells_the_handler_of_the_fault() -> None:
    def body() -> None:
        task = _guest()
        _handle(task, signal.SIGSEGV)
        signals.force(task, signal.SIGSEGV, abi.SEGV_MAPERR, 0xDEAD000, 14, 6)
        state = _cpu(task).registers()
        assert state.rip == HANDLER
        assert (task.mm.u32(state.rsi), task.mm.u32(state.rsi + 8)) == (signal.SIGSEGV, abi.SEGV_MAPERR)
        assert task.mm.u64(state.rsi + 16) == 0xDEAD000
        context = state.rdx + 40  # uc_mcontext
        assert (task.mm.u64(context + 152), task.mm.u64(context + 160), task.mm.u64(context + 176)) == (
            6,
            14,
            0xDEAD000,
        )

    forked(body)


@pytest.mark.parametrize("how", ["default", "ignored", "blocked", "no stack", "no restorer"])
def test_force_ends_the_process_where_no_handler_can_run(how: str) -> None:
    def body() -> None:
        task = _guest()
        if how == "ignored":
            signals.set_action(task.process, signal.SIGSEGV, SigAction(abi.SIG_IGN))
        elif how != "default":
            _handle(task, signal.SIGSEGV)
        if how == "blocked":
            task.mask = _bit(signal.SIGSEGV)
        if how == "no stack":
            _cpu(task).state.rsp = 0x40
        if how == "no restorer":
            signals.set_action(task.process, signal.SIGSEGV, SigAction(HANDLER))
        signals.force(task, signal.SIGSEGV, abi.SEGV_MAPERR, 0, 14, 4)

    with pytest.raises(AssertionError, match=f"status -{signal.SIGSEGV.value}"):
        forked(body)


def test_frame_that_does_not_fit_becomes_a_fault_on_the_alternate_stack() -> None:
    def body() -> None:
        task = _guest()
        task.altstack = AltStack(task.mm.base, 0, 0x8000)  # type: ignore[attr-defined]
        _handle(task, FIRST)
        _handle(task, signal.SIGSEGV, abi.SA_ONSTACK, handler=0x6000)
        _cpu(task).state.rsp = 0x40
        os.kill(os.getpid(), FIRST)
        assert signals.take(task)
        state = _cpu(task).registers()
        assert (state.rip, state.rdi) == (0x6000, signal.SIGSEGV)
        assert task.mask == _bit(signal.SIGSEGV)

    forked(body)


def test_sigreturn_to_nonsense_ends_the_process() -> None:
    def body() -> None:
        task = _guest()
        _cpu(task).state.rsp = 0x40
        signals.sigreturn(task)

    with pytest.raises(AssertionError, match=f"status -{signal.SIGSEGV.value}"):
        forked(body)


def test_new_program_forgets_handlers_and_keeps_what_is_ignored() -> None:
    def body() -> None:
        task = _guest()
        _handle(task, FIRST)
        signals.set_action(task.process, SECOND, SigAction(abi.SIG_IGN))
        signals.forget_handlers(task.process)
        assert task.process.handled == 0
        assert signal.getsignal(SECOND) is not None
        ignored = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("SigIgn"))
        assert int(ignored.split()[1], 16) == _bit(SECOND)

    forked(body)


@pytest.mark.parametrize(
    ("words", "simd", "code"),
    [
        ((0x37F, 0x01, 0), False, 0),  # masked
        ((0x37E, 0x01, 0), False, 7),
        ((0x37B, 0x04, 0), False, 3),
        ((0x36F, 0x10, 0), False, 5),
        ((0x37F, 0, 0x1F80 & ~0x400 | 0x08), True, 4),
        ((0x37F, 0, 0x1F80 & ~0x1000 | 0x20), True, 6),
        ((0x37F, 0, 0x1F80 | 0x3F), True, 0),
    ],
)
def test_code_of_a_floating_point_error_is_the_first_that_is_not_masked(
    words: tuple[int, int, int], simd: bool, code: int
) -> None:
    control, status, mxcsr = words
    state = struct.pack("<HH20xI", control, status, mxcsr).ljust(832, b"\0")
    assert signals.float_code(state, simd=simd) == code
