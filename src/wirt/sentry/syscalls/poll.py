"""Waiting for several descriptors: select, poll, epoll.

Numbers that are the monitor's own are never asked about. Calls that come with a signal mask wait under it; when a
signal ends the wait, the mask stays in force until the signal was delivered (``Task.saved_mask``), as in Linux.
"""

from __future__ import annotations

import errno

from wirt.abi.linux import unistd as nr
from wirt.host import _native
from wirt.sentry.buffers import granted, limit
from wirt.sentry.descriptors import FD_LIMIT, descriptor
from wirt.sentry.failures import fail
from wirt.sentry.mm import AddressSpace
from wirt.sentry.signals import wait_masked
from wirt.sentry.table import Call, Restart
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_POLLFD_SIZE, _EVENT_SIZE, _TIME_SIZE, _SIGSET_SIZE = 8, 12, 16, 8
_POLLNVAL = b"\x20\0"
_NOBODY = b"\xff\xff\xff\xff"  # a negative descriptor: the kernel skips the entry
_MAX_EVENTS = 0x7FFF_FFFF // _EVENT_SIZE
_COPIED_EVENTS = 64
_BILLION, _MILLION = 1_000_000_000, 1_000_000

Buffer = int | bytes | bytearray


def _under(task: Task, mask: int, number: int, *arguments: Buffer) -> int:
    """A call that waits with ``mask`` blocked instead of the task's own; -1: its own."""
    return task.wait(number, *arguments) if mask < 0 else wait_masked(task, mask, number, *arguments)


def _mask(mm: AddressSpace, address: int, size: int) -> int:
    """The signal mask a call came with, or -1."""
    if not address:
        return -1
    if size != _SIGSET_SIZE:
        fail(errno.EINVAL)
    return mm.u64(address)


def _time(mm: AddressSpace, address: int, units: int) -> bytearray | int:
    """struct timespec or timeval, copied; 0 when there is none. ``units``: how many make a second."""
    if not address:
        return 0
    data = bytearray(mm.read(address, _TIME_SIZE))
    seconds, rest = (int.from_bytes(data[at : at + 8], "little", signed=True) for at in (0, 8))
    if seconds < 0 or rest < 0 or (units == _BILLION and rest >= units):
        fail(errno.EINVAL)
    return data


def _milliseconds(task: Task, timeout: int) -> int:
    """Of a timeout in milliseconds what is left to wait; 0 and what means for ever are the same every time."""
    return -(-task.span(timeout * _MILLION) // _MILLION) if timeout > 0 else timeout


# -- select ----------------------------------------------------------------------------------------


def select(task: Task, count: int, readable: int, writable: int, strange: int, timeout: int) -> int:
    return _select(task, nr.SYS_select, count, (readable, writable, strange), timeout, _MILLION, -1)


def pselect6(task: Task, count: int, readable: int, writable: int, strange: int, timeout: int, signals: int) -> int:
    mask = -1
    if signals:
        mask = _mask(task.mm, task.mm.u64(signals), task.mm.u64(signals + 8))
    return _select(task, nr.SYS_pselect6, count, (readable, writable, strange), timeout, _BILLION, mask)


def _select(task: Task, number: int, count: int, sets: tuple[int, ...], timeout: int, units: int, mask: int) -> int:
    """Sets are whole words of 64 bits. The time that is left is written back, as Linux does."""
    mm = task.mm
    count = s32(count)
    time = _time(mm, timeout, units)
    if count < 0:
        fail(errno.EINVAL)
    count = min(count, FD_LIMIT)
    size = (count + 63) // 64 * 8
    held = [bytearray(mm.read(address, size)) if address and size else 0 for address in sets]
    result = _under(task, mask, number, count, *held, time, 0)
    if isinstance(time, bytearray):
        _put_quietly(mm, timeout, time)
    if result >= 0:
        for address, data in zip(sets, held, strict=True):
            if isinstance(data, bytearray):
                mm.write(address, data)
    return result


def _put_quietly(mm: AddressSpace, address: int, data: bytearray) -> None:
    """The time left, for who can be told: in read-only memory it stays as it was, as in Linux."""
    try:
        mm.write(address, data)
    except OSError:
        return


# -- poll ------------------------------------------------------------------------------------------


def poll(task: Task, fds: int, count: int, timeout: int) -> int:
    count = u32(count)
    entries, strange = _entries(task, fds, count)
    wait = 0 if strange else _milliseconds(task, s32(timeout))
    before = bytes(entries)
    return _answer(task, fds, before, entries, strange, task.wait(nr.SYS_poll, entries, count, wait))


def ppoll(task: Task, fds: int, count: int, timeout: int, mask: int, size: int) -> int:
    time, blocked = _time(task.mm, timeout, _BILLION), _mask(task.mm, mask, size)
    count = u32(count)
    entries, strange = _entries(task, fds, count)
    wait = bytearray(_TIME_SIZE) if strange else time
    before = bytes(entries)
    result = _under(task, blocked, nr.SYS_ppoll, entries, count, wait, 0, 0)
    if isinstance(time, bytearray):
        _put_quietly(task.mm, timeout, time)
    return _answer(task, fds, before, entries, strange, result)


def _entries(task: Task, address: int, count: int) -> tuple[bytearray, list[int]]:
    """struct pollfd, copied; and which of them name what no guest can have."""
    if count > limit(task):
        fail(errno.EINVAL)
    entries = bytearray(task.mm.read(address, count * _POLLFD_SIZE)) if count else bytearray()
    numbers = memoryview(entries).cast("i")[::2].tolist()
    strange = [index for index, fd in enumerate(numbers) if fd >= FD_LIMIT]
    for index in strange:
        entries[index * 8 : index * 8 + 4] = _NOBODY
    return entries, strange


def _answer(task: Task, address: int, before: bytes, entries: bytearray, strange: list[int], result: int) -> int:
    """Only ``revents`` that have changed are written: the rest is the guest's, which another thread may be changing."""
    if result < 0:
        return result
    for index in strange:
        entries[index * 8 + 6 : index * 8 + 8] = _POLLNVAL
    old, new = (memoryview(data).cast("H")[3::4].tolist() for data in (before, entries))
    for index, (was, now) in enumerate(zip(old, new, strict=True)):
        if was != now:
            task.mm.write(address + index * _POLLFD_SIZE + 6, now.to_bytes(2, "little"))
    return result + len(strange)


# -- epoll -----------------------------------------------------------------------------------------


def epoll_create(task: Task, size: int) -> int:
    if s32(size) <= 0:
        fail(errno.EINVAL)
    return epoll_create1(task, 0)


def epoll_create1(task: Task, flags: int) -> int:
    return granted(task, _native.quick(nr.SYS_epoll_create1, u32(flags)))


def epoll_ctl(task: Task, epfd: int, operation: int, fd: int, event: int) -> int:
    operation = u32(operation)
    wanted = task.mm.read(event, _EVENT_SIZE) if operation != 2 else 0  # all but EPOLL_CTL_DEL
    return _native.quick(nr.SYS_epoll_ctl, descriptor(epfd), operation, descriptor(fd), wanted)


def epoll_wait(task: Task, epfd: int, events: int, most: int, timeout: int) -> int:
    return _epoll(task, nr.SYS_epoll_pwait, epfd, events, most, _milliseconds(task, s32(timeout)), -1)


def epoll_pwait(task: Task, epfd: int, events: int, most: int, timeout: int, mask: int, size: int) -> int:
    blocked = _mask(task.mm, mask, size)
    return _epoll(task, nr.SYS_epoll_pwait, epfd, events, most, _milliseconds(task, s32(timeout)), blocked)


def epoll_pwait2(task: Task, epfd: int, events: int, most: int, timeout: int, mask: int, size: int) -> int:
    time, blocked = _time(task.mm, timeout, _BILLION), _mask(task.mm, mask, size)
    span = bytearray(task.timespec(time)) if isinstance(time, bytearray) else time
    return _epoll(task, nr.SYS_epoll_pwait2, epfd, events, most, span, blocked)


def _epoll(task: Task, number: int, epfd: int, events: int, most: int, timeout: Buffer, mask: int) -> int:
    """Events go straight into guest memory, or where that is in pieces through a buffer of ours."""
    epfd, most = descriptor(epfd), s32(most)
    if not 0 < most <= _MAX_EVENTS:
        fail(errno.EINVAL)
    most = min(most, FD_LIMIT)
    try:
        address = task.mm.host(events, most * _EVENT_SIZE, True)
    except OSError:
        return _epoll_copied(task, number, epfd, events, timeout, mask)
    return _under(task, mask, number, epfd, address, most, timeout, 0, 0)


def _epoll_copied(task: Task, number: int, epfd: int, events: int, timeout: Buffer, mask: int) -> int:
    room = sum(length for _, length in task.mm.segments(events, _COPIED_EVENTS * _EVENT_SIZE, True))
    if room < _EVENT_SIZE:
        fail(errno.EFAULT)
    held = bytearray(room // _EVENT_SIZE * _EVENT_SIZE)
    result = _under(task, mask, number, epfd, held, len(held) // _EVENT_SIZE, timeout, 0, 0)
    if result > 0:
        task.mm.write(events, held[: result * _EVENT_SIZE])
    return result


CALLS = (
    Call(7, "poll", poll, "ptr size int", restart=Restart.NOHAND),
    Call(23, "select", select, "int ptr ptr ptr ptr", restart=Restart.NOHAND),
    Call(213, "epoll_create", epoll_create, "int"),
    Call(232, "epoll_wait", epoll_wait, "fd ptr int int", restart=Restart.NEVER),
    Call(233, "epoll_ctl", epoll_ctl, "fd int fd ptr"),
    Call(270, "pselect6", pselect6, "int ptr ptr ptr ptr ptr", restart=Restart.NOHAND),
    Call(271, "ppoll", ppoll, "ptr size ptr ptr size", restart=Restart.NOHAND),
    Call(281, "epoll_pwait", epoll_pwait, "fd ptr int int ptr size", restart=Restart.NEVER),
    Call(291, "epoll_create1", epoll_create1, "flags:open"),
    Call(441, "epoll_pwait2", epoll_pwait2, "fd ptr int ptr ptr size", restart=Restart.NEVER),
)
