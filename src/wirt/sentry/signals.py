"""Signals: which are taken, what they do, and what becomes of the calls they interrupt.

The host kernel keeps the queues, and knows what each signal does: a guest's SIG_DFL and SIG_IGN are the host's, a
guest's handler is the host handler of ``native.wait`` with the same SA_RESTART, SA_NOCLDSTOP and SA_NOCLDWAIT. So
ignored signals interrupt nothing, default actions are carried out by the host kernel itself, with the status a parent
expects, and only signals with a handler come here: as -EINTR of a call or of KVM_RUN, still pending, taken with
rt_sigtimedwait(2).
"""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING, NoReturn

from wirt.abi.linux import signal as abi
from wirt.abi.linux.unistd import (
    SYS_getpid,
    SYS_gettid,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigtimedwait,
    SYS_rt_tgsigqueueinfo,
    SYS_tgkill,
)
from wirt.host import _native
from wirt.sentry import frames, peers
from wirt.sentry.frames import Context, Handler
from wirt.sentry.process import Process, SigAction
from wirt.sentry.table import Call, Restart
from wirt.sentry.task import AltStack, Task
from wirt.sentry.words import s32

if TYPE_CHECKING:
    from wirt.vmm.platform import UserRegisters

__all__ = [
    "MASKABLE",
    "change_altstack",
    "die",
    "end_guest",
    "float_code",
    "force",
    "forget_handlers",
    "interrupted",
    "mirror",
    "restore_mask",
    "set_action",
    "sigreturn",
    "take",
    "wait_masked",
]

_EINTR, _EINVAL, _ENOMEM, _EPERM = 4, 22, 12, 1
_NOW = bytes(16)
_END_GUEST = -0x574905  # si_code of a kick that says so; si_value is the status
_ALL = 0xFFFF_FFFF_FFFF_FFFF
_SIGSEGV = 11
# What the processor raises: signals that the first process of a pid namespace dies of, too, when they are forced.
_FAULTS = frozenset((4, 5, 7, 8, 11))
# Bits of FSW and MXCSR: invalid, divide by zero, overflow, underflow or denormal, precision; and FPE_FLTINV and so on
_FLOAT_CODES = ((0x01, 7), (0x04, 3), (0x08, 4), (0x12, 5), (0x20, 6))


def _bit(number: int) -> int:
    return 1 << number - 1


_KICK = _bit(abi.SIGRTMAX)  # the monitor's own: makes a thread look at what others want of it
MASKABLE = _ALL & ~(_bit(abi.SIGKILL) | _bit(abi.SIGSTOP) | _KICK)  # what a guest thread may block
_MIRRORED = abi.SA_RESTART | abi.SA_NOCLDSTOP | abi.SA_NOCLDWAIT


class _Ended(enum.IntEnum):
    """How a signal ended a ``native.wait``: what ``native.interruption`` says."""

    INTERRUPTED = 0  # the kernel's last word
    TO_BE_RESTARTED = 1  # the kernel would make the call again, now that the handler has run
    NOT_BEGUN = 2  # the signal was there before the call


# -- actions -------------------------------------------------------------------------------------------


def set_action(process: Process, number: int, action: SigAction) -> None:
    """A new action, for the guest and for the host. The caller holds ``process.lock``."""
    process.actions[number] = action
    if action.handler > abi.SIG_IGN:
        process.handled |= _bit(number)
    else:
        process.handled &= ~_bit(number)
    mirror(number, action)


def mirror(number: int, action: SigAction) -> None:
    """Tell the host kernel what a signal does."""
    if number in (abi.SIGKILL, abi.SIGSTOP, abi.SIGRTMAX):
        return
    how = 1 if action.handler == abi.SIG_DFL else 2 if action.handler == abi.SIG_IGN else 0
    _native.disposition(number, how, action.flags & _MIRRORED)


def forget_handlers(process: Process) -> None:
    """A new program starts: what was handled gets its default action, what was ignored stays so."""
    with process.lock:
        for number in range(1, abi.SIGRTMAX + 1):
            ignored = process.actions[number].handler == abi.SIG_IGN
            set_action(process, number, SigAction(abi.SIG_IGN if ignored else abi.SIG_DFL))


# -- taking --------------------------------------------------------------------------------------------


def take(task: Task) -> bool:
    """Act on one signal that the thread does not block. True when its handler is about to run."""
    found, _ = _next(task)
    if found is None:
        _default_actions(task)
        return False
    registers = task.vcpu.registers()
    _deliver(task, found, registers)
    return True


def _next(task: Task) -> tuple[bytes | None, bool]:
    """The siginfo of the next signal with a handler, dequeued; and whether the thread was kicked."""
    kicked = False
    wanted = ((task.process.handled & ~task.mask) | _KICK).to_bytes(8, "little")
    while True:
        info = bytearray(abi.siginfo_size)
        number = _native.quick(SYS_rt_sigtimedwait, wanted, info, _NOW, 8)
        if number < 0:
            return None, kicked
        if number != abi.SIGRTMAX:
            return bytes(info), kicked
        _heed(task, info)
        kicked = True


def end_guest(status: int) -> int:
    """Ask the guest's first process to end with ``status``, and all others with it; -errno as kill(2)."""
    info = abi.siginfo_queued.pack(abi.SIGRTMAX, 0, _END_GUEST, os.getpid(), os.getuid(), status)
    return _native.call(SYS_rt_sigqueueinfo, 1, abi.SIGRTMAX, info)


def _heed(task: Task, info: bytearray) -> None:
    """What a kick carries: no program of a guest can send one."""
    _, _, code, sender, _, value = abi.siginfo_queued.unpack(info)
    if code == _END_GUEST:
        os._exit(value & 0xFF)
    if code == peers.ASK:
        peers.answer(task, sender, value)


def _default_actions(task: Task) -> None:
    """Let the host kernel stop us, end us or drop what is ignored."""
    _native.wait(task.mask, SYS_getpid)


def interrupted(task: Task, call: Call) -> bool:
    """A call has answered -EINTR: run the signal's handler, and make the call again or let it fail, as Linux would.

    Without a handler to run (a thread was kicked, or stopped and continued) it is made again, unless the host kernel
    has said that it is over. ``call.restart`` counts where a signal came before the host's call was made:
    ``Restart.SYS`` is then made again after any handler, as if the signal had come a moment earlier; the others must
    not sleep through it. Returns whether it is made again.
    """
    ended = _native.interruption()
    found, kicked = _next(task)
    registers = task.vcpu.registers()
    if found is None:
        again = kicked or ended != _Ended.INTERRUPTED
    else:
        before = ended == _Ended.NOT_BEGUN and call.restart is Restart.SYS
        again = task.saved_mask is None and (before or ended == _Ended.TO_BE_RESTARTED)
    task.again = (call.number, task.vcpu.args) if again and found is None else None
    if again:
        registers.rip -= 2  # the length of ``syscall``
        registers.rax = call.number
    else:
        registers.rax = -_EINTR & _ALL
    if found is not None:
        _deliver(task, found, registers)
        return again
    restore_mask(task)
    task.vcpu.resume(registers)
    _default_actions(task)
    return again


def wait_masked(task: Task, mask: int, number: int, *words: int | bytes | bytearray) -> int:
    """``task.wait`` with another signal mask while it lasts: sigsuspend and its like."""
    task.saved_mask, task.mask = task.mask, mask & MASKABLE
    result = _native.wait(task.mask, number, *words)
    if result != -_EINTR:
        restore_mask(task)
    return result


def restore_mask(task: Task) -> None:
    """The end of a call that had a signal mask of its own."""
    if task.saved_mask is not None:
        task.mask, task.saved_mask = task.saved_mask, None


# -- delivery ------------------------------------------------------------------------------------------


def _deliver(task: Task, info: bytes, registers: UserRegisters, trapno: int = 0, error: int = 0, cr2: int = 0) -> None:
    """Set the thread up to run the handler, from the state in ``registers``."""
    number = int.from_bytes(info[:4], "little")
    process = task.process
    if process.tracer is not None:
        process.tracer.signal(task, info)
    with process.lock:
        action = process.actions[number]
        if action.handler > abi.SIG_IGN and action.flags & abi.SA_RESETHAND:
            set_action(process, number, SigAction(abi.SIG_DFL, action.flags, action.restorer, action.mask))
    if action.handler <= abi.SIG_IGN:  # another thread has just changed it
        _send_again(task, number, info)
        task.vcpu.resume(registers)
        return
    context = Context(task.mask if task.saved_mask is None else task.saved_mask, task.altstack, trapno, error, cr2)
    handler = Handler(action.handler, action.flags, action.restorer)
    try:
        _push(task, info, registers, context, handler)
    except OSError:
        restore_mask(task)
        task.vcpu.resume(registers)
        if number == _SIGSEGV:
            die(_SIGSEGV)
        force(task, _SIGSEGV, abi.SI_KERNEL)
        return
    task.saved_mask = None
    task.mask |= action.mask & MASKABLE
    if not action.flags & abi.SA_NODEFER:
        task.mask |= _bit(number) & MASKABLE
    if task.altstack.flags & abi.SS_AUTODISARM:
        task.altstack = AltStack()


def _push(task: Task, info: bytes, registers: UserRegisters, context: Context, handler: Handler) -> None:
    """Write the frame; OSError(EFAULT) when it does not fit, with the thread's state unchanged."""
    if not handler.flags & abi.SA_RESTORER:
        raise OSError(14, "a handler without SA_RESTORER")
    vcpu = task.vcpu
    state = frames.with_marks(vcpu.xsave(), vcpu.features.xfeatures)
    frame, state_at = frames.place(handler, context.altstack, registers.rsp, len(state))
    task.mm.write(state_at, state)
    task.mm.write(frame, frames.build(registers, context, handler, info, state_at))
    frames.enter(registers, frame, int.from_bytes(info[:4], "little"), handler)
    vcpu.xrestore(task.process.clean_state)
    vcpu.resume(registers)


def _send_again(task: Task, number: int, info: bytes) -> None:
    _native.call(SYS_rt_tgsigqueueinfo, task.process.pid, _native.call(SYS_gettid), number, info)
    _default_actions(task)


def sigreturn(task: Task) -> None:
    """rt_sigreturn(2): everything as the frame at the stack pointer says; SIGSEGV for a frame that is none."""
    registers = task.vcpu.registers()
    read = task.mm.read
    try:
        raw = read((registers.rsp - 8) & _ALL, abi.rt_sigframe.size)
        mask, altstack, state_at = frames.parse(raw, registers)
        task.mask = mask & MASKABLE
        task.vcpu.xrestore(frames.read_state(read, state_at, task.process.clean_state))
    except (OSError, ValueError):
        force(task, _SIGSEGV, abi.SI_KERNEL)
        return
    change_altstack(task, altstack, task.vcpu.registers().rsp, least=0)
    task.vcpu.resume(registers)


def change_altstack(task: Task, wanted: AltStack, rsp: int, least: int = abi.MINSIGSTKSZ) -> int:
    """sigaltstack(2)'s setting half: 0 or -errno (do_sigaltstack of kernel/signal.c)."""
    if frames.on_stack(task.altstack, rsp):
        return -_EPERM
    mode = wanted.flags & ~abi.SS_AUTODISARM
    if mode not in (0, abi.SS_ONSTACK, abi.SS_DISABLE):
        return -_EINVAL
    if mode == abi.SS_DISABLE:
        wanted = AltStack(0, wanted.flags, 0)
    elif wanted.size < least:
        return -_ENOMEM
    task.altstack = wanted
    return 0


# -- signals that cannot wait --------------------------------------------------------------------------


def force(task: Task, number: int, code: int, address: int = 0, trapno: int = 0, error: int = 0) -> None:
    """The processor, or we, raise a signal at this very instruction (force_sig_fault of kernel/signal.c).

    It ends the process where it is blocked or ignored. ``address`` is si_addr, and for a page fault (14) CR2.
    """
    if task.process.actions[number].handler <= abi.SIG_IGN or task.mask & _bit(number):
        if task.process.tracer is not None:
            task.process.tracer.killed(task, number)
        die(number)
    info = abi.siginfo_fault.pack(number, 0, s32(code), address & _ALL)
    cr2 = address if trapno == 14 else 0
    _deliver(task, info, task.vcpu.registers(), trapno, error, cr2)


def float_code(state: bytes, *, simd: bool) -> int:
    """si_code of a floating-point error, from the extended state (fpu__exception_code of arch/x86/kernel/fpu)."""
    if simd:
        control = int.from_bytes(state[24:28], "little")  # MXCSR
        raised = ~(control >> 7) & control
    else:
        raised = int.from_bytes(state[2:4], "little") & ~int.from_bytes(state[0:2], "little")  # FSW, FCW
    return next((code for bits, code in _FLOAT_CODES if raised & bits), 0)


def die(number: int) -> NoReturn:
    """End the process as by the default action of ``number``, so that its parent sees it.

    The first process of a pid namespace survives what it sends to itself, but not what the processor raises.
    """
    if os.getpid() == 1 and number in _FAULTS:
        _native.fault(number)
    if number != abi.SIGKILL:
        _native.disposition(number, 1)
    _native.call(SYS_tgkill, os.getpid(), _native.call(SYS_gettid), number)
    _native.wait(_ALL & ~_bit(number), SYS_getpid)
    os._exit(128 + number)
