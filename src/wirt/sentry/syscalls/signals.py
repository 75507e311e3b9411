"""Signal calls. What a signal does is in ``wirt.sentry.signals``; who gets it, the host kernel decides."""

from __future__ import annotations

import errno

from wirt.abi.linux import signal as abi
from wirt.abi.linux.unistd import (
    SYS_kill,
    SYS_pause,
    SYS_rt_sigpending,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigtimedwait,
    SYS_rt_tgsigqueueinfo,
    SYS_tgkill,
    SYS_tkill,
)
from wirt.host import _native
from wirt.sentry import frames, signals
from wirt.sentry.failures import fail
from wirt.sentry.process import SigAction
from wirt.sentry.signals import MASKABLE
from wirt.sentry.table import Call, Restart, Support
from wirt.sentry.task import AltStack, Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_SIGSET_SIZE = 8
_UNBLOCKABLE = 1 << abi.SIGKILL - 1 | 1 << abi.SIGSTOP - 1
_NOW = bytes(16)
_OURS = "but for SIGRTMAX, which is the monitor's own: EINVAL"


def _sigset_size(size: int) -> None:
    if size != _SIGSET_SIZE:
        fail(errno.EINVAL)


def _number(word: int) -> int:
    """A signal that a guest may send; 0 asks whether it might."""
    number = s32(word)
    if number == abi.SIGRTMAX:
        fail(errno.EINVAL)
    return number


# -- actions and masks -----------------------------------------------------------------------------------


def rt_sigaction(task: Task, number: int, wanted: int, before: int, size: int) -> int:
    _sigset_size(size)
    number = s32(number)
    raw = task.mm.read(wanted, abi.kernel_sigaction.size) if wanted else b""
    if not 1 <= number <= abi.SIGRTMAX or (raw and number in (abi.SIGKILL, abi.SIGSTOP)):
        fail(errno.EINVAL)
    process = task.process
    if raw:
        handler, flags, restorer, mask = abi.kernel_sigaction.unpack(raw)
        action = SigAction(handler, flags & abi.UAPI_SA_FLAGS, restorer, mask & ~_UNBLOCKABLE)
        with process.lock:
            old = process.actions[number]
            signals.set_action(process, number, action)
    else:
        old = process.actions[number]
    if before:
        task.mm.write(before, abi.kernel_sigaction.pack(old.handler, old.flags, old.restorer, old.mask))
    return 0


def rt_sigprocmask(task: Task, how: int, wanted: int, before: int, size: int) -> int:
    _sigset_size(size)
    old = task.mask
    if wanted:
        bits, how = task.mm.u64(wanted), s32(how)
        if how == abi.SIG_BLOCK:
            bits |= old
        elif how == abi.SIG_UNBLOCK:
            bits = old & ~bits
        elif how != abi.SIG_SETMASK:
            fail(errno.EINVAL)
        task.mask = bits & MASKABLE
    if before:
        task.mm.put_u64(before, old)
    return 0


def rt_sigpending(task: Task, address: int, size: int) -> int:
    if size > _SIGSET_SIZE:
        fail(errno.EINVAL)
    pending = bytearray(_SIGSET_SIZE)
    _native.quick(SYS_rt_sigpending, pending, _SIGSET_SIZE)
    blocked = int.from_bytes(pending, "little") & task.mask
    task.mm.write(address, blocked.to_bytes(_SIGSET_SIZE, "little")[:size])
    return 0


def sigaltstack(task: Task, wanted: int, before: int) -> int:
    raw = task.mm.read(wanted, abi.stack_t.size) if wanted else b""
    rsp = task.vcpu.registers().rsp
    old = task.altstack
    shown = abi.SS_DISABLE if not old.size else abi.SS_ONSTACK if frames.on_stack(old, rsp) else 0
    shown |= old.flags & abi.SS_AUTODISARM
    if raw:
        base, flags, length = abi.stack_t.unpack(raw)
        result = signals.change_altstack(task, AltStack(base, u32(flags), length), rsp)
        if result < 0:
            return result
    if before:
        task.mm.write(before, abi.stack_t.pack(old.base, s32(shown), old.size))
    return 0


def rt_sigreturn(task: Task) -> None:
    signals.sigreturn(task)


# -- waiting ---------------------------------------------------------------------------------------------


def pause(task: Task) -> int:
    return task.wait(SYS_pause)


def rt_sigsuspend(task: Task, mask: int, size: int) -> int:
    _sigset_size(size)
    return signals.wait_masked(task, task.mm.u64(mask), SYS_pause)


def rt_sigtimedwait(task: Task, wanted: int, info: int, timeout: int, size: int) -> int:
    """Signals that wait already come before any interruption. The set is blocked until the host's call unblocks it."""
    _sigset_size(size)
    bits = task.mm.u64(wanted) & MASKABLE
    numbers, found = bits.to_bytes(8, "little"), bytearray(abi.siginfo_size)
    limit = task.mm.read(timeout, 16) if timeout else 0
    if isinstance(limit, bytes) and not _is_time(limit):
        fail(errno.EINVAL)
    result = _native.quick(SYS_rt_sigtimedwait, numbers, found, _NOW, _SIGSET_SIZE)
    if result == -errno.EAGAIN and limit != _NOW:
        span = task.timespec(limit) if isinstance(limit, bytes) else 0
        result = _native.wait(task.mask | bits, SYS_rt_sigtimedwait, numbers, found, span, _SIGSET_SIZE)
    if result > 0 and info:
        task.mm.write(info, bytes(found))
    return result


def _is_time(raw: bytes) -> bool:
    seconds, nanoseconds = (int.from_bytes(raw[at : at + 8], "little", signed=True) for at in (0, 8))
    return seconds >= 0 and 0 <= nanoseconds < 1_000_000_000


# -- sending ---------------------------------------------------------------------------------------------

# What is sent to a process is sent with the sender's own mask in force: the host kernel gives it to the first thread
# that does not block it, beginning with the main one (complete_signal of kernel/signal.c), so a program with threads
# that sends to itself finds its handler run when the call returns.


def kill(task: Task, pid: int, number: int) -> int:
    return task.wait(SYS_kill, pid, _number(number))


def tkill(_task: Task, tid: int, number: int) -> int:
    return _native.call(SYS_tkill, tid, _number(number))


def tgkill(_task: Task, pid: int, tid: int, number: int) -> int:
    return _native.call(SYS_tgkill, pid, tid, _number(number))


def rt_sigqueueinfo(task: Task, pid: int, number: int, info: int) -> int:
    return task.wait(SYS_rt_sigqueueinfo, pid, _number(number), task.mm.read(info, abi.siginfo_size))


def rt_tgsigqueueinfo(task: Task, pid: int, tid: int, number: int, info: int) -> int:
    raw = task.mm.read(info, abi.siginfo_size)
    return _native.call(SYS_rt_tgsigqueueinfo, pid, tid, _number(number), raw)


CALLS = (
    Call(13, "rt_sigaction", rt_sigaction, "sig ptr ptr size", note="a handler for SIGRTMAX never runs"),
    Call(14, "rt_sigprocmask", rt_sigprocmask, "int ptr ptr size", note="SIGRTMAX is never blocked"),
    Call(15, "rt_sigreturn", rt_sigreturn, note="to 64-bit code only"),
    Call(34, "pause", pause, restart=Restart.NOHAND),
    Call(62, "kill", kill, "pid sig", Support.PARTIAL, _OURS),
    Call(127, "rt_sigpending", rt_sigpending, "ptr size"),
    Call(128, "rt_sigtimedwait", rt_sigtimedwait, "ptr ptr ptr size", restart=Restart.NEVER),
    Call(129, "rt_sigqueueinfo", rt_sigqueueinfo, "pid sig ptr", Support.PARTIAL, _OURS),
    Call(130, "rt_sigsuspend", rt_sigsuspend, "ptr size", restart=Restart.NOHAND),
    Call(131, "sigaltstack", sigaltstack, "ptr ptr"),
    Call(200, "tkill", tkill, "pid sig", Support.PARTIAL, _OURS),
    Call(234, "tgkill", tgkill, "pid pid sig", Support.PARTIAL, _OURS),
    Call(297, "rt_tgsigqueueinfo", rt_tgsigqueueinfo, "pid pid sig ptr", Support.PARTIAL, _OURS),
)
