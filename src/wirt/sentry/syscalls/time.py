"""Clocks, sleeping and timers: the host's own. Timers are the host process's, and deliver real signals."""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux import signal as abi
from wirt.abi.linux.unistd import (
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_getitimer,
    SYS_gettimeofday,
    SYS_nanosleep,
    SYS_setitimer,
    SYS_time,
    SYS_timer_create,
    SYS_timer_delete,
    SYS_timer_gettime,
    SYS_timer_settime,
    SYS_times,
)
from wirt.host import _native
from wirt.sentry.answers import passed
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.failures import fail
from wirt.sentry.process import Process
from wirt.sentry.table import Call, Restart, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS", "has_timers"]

_TIME_SIZE, _ITIMER_SIZE, _TMS_SIZE, _TIMEX_SIZE, _SIGEVENT_SIZE = 16, 32, 32, 208, 64
_TIMER_ABSTIME = 1
_STEADY = frozenset((0, 1, 7, 11))  # clocks that all go on alike: REALTIME, MONOTONIC, BOOTTIME, TAI
_REALTIME, _REALTIME_COARSE = 0, 5
_SECOND = 1_000_000_000
_TIME = struct.Struct("<qq")  # struct timespec, and struct timeval
_ADJ_OFFSET_SS_READ = 0xA001
_CLOCKFD, _CLOCKFD_MASK = 3, 7
_SIGEVENT = struct.Struct("<Qiii")  # sigev_value, sigev_signo, sigev_notify, sigev_notify_thread_id
_CPU = "clocks of CPU time count the monitor's work for the guest as well"


def _filled(task: Task, address: int, size: int, number: int, first: int) -> int:
    """A host call whose second argument is filled with ``size`` bytes for the guest; none without an address."""
    if not address:
        return _native.quick(number, first, 0)
    buffer = bytearray(size)
    result = _native.quick(number, first, buffer)
    if result >= 0:
        task.mm.write(address, buffer)
    return result


def _clock(word: int) -> int:
    """EINVAL for a clock of a descriptor that no guest has (FD_TO_CLOCKID of <linux/posix-timers.h>)."""
    clock = s32(word)
    if clock < 0 and clock & _CLOCKFD_MASK == _CLOCKFD and ~(clock >> 3) >= FD_LIMIT:
        fail(errno.EINVAL)
    return clock


# -- clocks ----------------------------------------------------------------------------------------------


def clock_gettime(task: Task, clock: int, address: int) -> int:
    """As the time page tells it, which this renews: programs mix the vDSO with the call, and neither goes back."""
    which = _clock(clock)
    told = task.process.clocks.read(which) if address else None
    if told is None:
        return _filled(task, address, _TIME_SIZE, SYS_clock_gettime, which)
    task.mm.write(address, _TIME.pack(*divmod(told, _SECOND)))
    return 0


def clock_getres(task: Task, clock: int, address: int) -> int:
    return _filled(task, address, _TIME_SIZE, SYS_clock_getres, _clock(clock))


def gettimeofday(task: Task, address: int, zone: int) -> int:
    now, where = bytearray(16), bytearray(8)
    _native.quick(SYS_gettimeofday, now, where)
    if (told := task.process.clocks.read(_REALTIME)) is not None:
        seconds, ns = divmod(told, _SECOND)
        _TIME.pack_into(now, 0, seconds, ns // 1000)
    if address:
        task.mm.write(address, now)
    if zone:
        task.mm.write(zone, where)
    return 0


def time(task: Task, address: int) -> int:
    told = task.process.clocks.read(_REALTIME_COARSE)
    seconds = _native.quick(SYS_time, 0) if told is None else told // _SECOND
    if address:
        task.mm.put_u64(address, seconds)
    return seconds


def times(task: Task, address: int) -> int:
    spent = bytearray(_TMS_SIZE)
    ticks = _native.quick(SYS_times, spent)
    if address:
        task.mm.write(address, spent)
    return ticks


def not_set(_task: Task) -> int:
    return -errno.EPERM


def adjtimex(task: Task, address: int) -> int:
    state = _harmless(task, address)
    return _answer(task, address, _native.quick(SYS_adjtimex, state), state)


def clock_adjtime(task: Task, clock: int, address: int) -> int:
    state = _harmless(task, address)
    return _answer(task, address, _native.quick(SYS_clock_adjtime, _clock(clock), state), state)


def _harmless(task: Task, address: int) -> bytearray:
    """struct timex, whose first word says what is to change: nothing may."""
    state = bytearray(task.mm.read(address, _TIMEX_SIZE))
    if int.from_bytes(state[:4], "little") not in (0, _ADJ_OFFSET_SS_READ):
        fail(errno.EPERM)
    return state


def _answer(task: Task, address: int, result: int, state: bytearray) -> int:
    if result >= 0:
        task.mm.write(address, state)
    return result


# -- sleeping --------------------------------------------------------------------------------------------


def nanosleep(task: Task, wanted: int, left: int) -> int:
    span = task.timespec(task.mm.read(wanted, _TIME_SIZE))
    remainder = bytearray(span)
    result = task.wait(SYS_nanosleep, span, remainder)
    if result == -errno.EINTR and left:
        task.mm.write(left, remainder)
    return result


def clock_nanosleep(task: Task, clock: int, flags: int, wanted: int, left: int) -> int:
    span = task.mm.read(wanted, _TIME_SIZE)
    if not u32(flags) & _TIMER_ABSTIME and s32(clock) in _STEADY:
        span = task.timespec(span)
    remainder = bytearray(span)
    result = task.wait(SYS_clock_nanosleep, _clock(clock), flags, span, remainder)
    if result == -errno.EINTR and left and not u32(flags) & _TIMER_ABSTIME:
        task.mm.write(left, remainder)
    return result


# -- interval timers -------------------------------------------------------------------------------------


def getitimer(task: Task, which: int, address: int) -> int:
    if not address:
        fail(errno.EFAULT)
    return _filled(task, address, _ITIMER_SIZE, SYS_getitimer, which)


def setitimer(task: Task, which: int, wanted: int, before: int) -> int:
    value = task.mm.read(wanted, _ITIMER_SIZE) if wanted else bytes(_ITIMER_SIZE)
    old = bytearray(_ITIMER_SIZE)
    result = _native.quick(SYS_setitimer, which, value, old)
    if result >= 0 and before:
        task.mm.write(before, old)
    return result


# -- timers of POSIX -------------------------------------------------------------------------------------

_timers: set[int] = set()  # of this process; execve deletes them, a child of fork has none


def has_timers() -> bool:
    """Whether timer_create(2) has made any that are still there."""
    return bool(_timers)


def _forget_timers(_process: Process) -> None:
    for timer in _timers:
        _native.quick(SYS_timer_delete, timer)
    _timers.clear()


def _inherit_no_timers(_process: Process) -> None:
    _timers.clear()


def timer_create(task: Task, clock: int, event: int, identity: int) -> int:
    wanted = task.mm.read(event, _SIGEVENT_SIZE) if event else b""
    if wanted:
        _check_event(task, wanted)
    made = bytearray(4)
    result = _native.quick(SYS_timer_create, _clock(clock), wanted or 0, made)
    if result < 0:
        return result
    timer = int.from_bytes(made, "little")
    try:
        task.mm.write(identity, made)
    except OSError:
        _native.quick(SYS_timer_delete, timer)
        raise
    process = task.process
    if _forget_timers not in process.on_exec:
        process.on_exec.append(_forget_timers)
        process.on_fork.append(_inherit_no_timers)
    _timers.add(timer)
    return result


def _check_event(task: Task, event: bytes) -> None:
    """Signals but the monitor's own, to threads that are the guest's."""
    _, number, notify, tid = _SIGEVENT.unpack_from(event)
    if notify != abi.SIGEV_NONE and number == abi.SIGRTMAX:
        fail(errno.EINVAL)
    if notify & abi.SIGEV_THREAD_ID and tid not in task.process.tasks:
        fail(errno.EINVAL)


def timer_settime(task: Task, timer: int, flags: int, wanted: int, before: int) -> int:
    if not wanted:
        fail(errno.EINVAL)
    value, old = task.mm.read(wanted, _ITIMER_SIZE), bytearray(_ITIMER_SIZE)
    result = _native.quick(SYS_timer_settime, timer, flags, value, old)
    if result >= 0 and before:
        task.mm.write(before, old)
    return result


def timer_gettime(task: Task, timer: int, address: int) -> int:
    if not address:
        fail(errno.EFAULT)
    return _filled(task, address, _ITIMER_SIZE, SYS_timer_gettime, timer)


def timer_delete(_task: Task, timer: int) -> int:
    _timers.discard(u32(timer))
    return _native.quick(SYS_timer_delete, timer)


CALLS = (
    Call(35, "nanosleep", nanosleep, "ptr ptr", restart=Restart.NOHAND),
    Call(36, "getitimer", getitimer, "int ptr", note=_CPU),
    Call(37, "alarm", passed(37), "int"),
    Call(38, "setitimer", setitimer, "int ptr ptr", note=_CPU),
    Call(96, "gettimeofday", gettimeofday, "ptr ptr"),
    Call(100, "times", times, "ptr", note=_CPU),
    Call(159, "adjtimex", adjtimex, "ptr", Support.PARTIAL, "reads; to change anything is EPERM"),
    Call(164, "settimeofday", not_set, "", Support.NONE, "EPERM: the time is the host's"),
    Call(201, "time", time, "ptr"),
    Call(222, "timer_create", timer_create, "int ptr ptr", note=_CPU),
    Call(223, "timer_settime", timer_settime, "int int ptr ptr"),
    Call(224, "timer_gettime", timer_gettime, "int ptr"),
    Call(225, "timer_getoverrun", passed(225), "int"),
    Call(226, "timer_delete", timer_delete, "int"),
    Call(227, "clock_settime", not_set, "", Support.NONE, "EPERM: the time is the host's"),
    Call(228, "clock_gettime", clock_gettime, "int ptr", note=_CPU),
    Call(229, "clock_getres", clock_getres, "int ptr"),
    Call(230, "clock_nanosleep", clock_nanosleep, "int int ptr ptr", restart=Restart.NOHAND),
    Call(305, "clock_adjtime", clock_adjtime, "int ptr", Support.PARTIAL, "reads; to change anything is EPERM"),
)
