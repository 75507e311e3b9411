"""sendmsg(2), recvmsg(2) and their plurals: struct msghdr, what it points to, and the descriptors in control data.

Everything but the data itself is copied into buffers of ours, with a header of ours that points to them.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass

from wirt.abi.linux import socket as s
from wirt.abi.linux.stat import TIMESPEC
from wirt.abi.linux.unistd import SYS_close, SYS_recvmsg, SYS_sendmsg
from wirt.host import _native
from wirt.sentry.buffers import Vector, granted, output, vector
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.failures import fail
from wirt.sentry.mm import AddressSpace
from wirt.sentry.task import Task

__all__ = ["passed", "receive", "receive_many", "send", "send_many", "send_pieces"]

_CONTROL_MOST = 1 << 17  # more than net.core.optmem_max
_CONTROL_RECEIVED = 1 << 16
_MMSGHDR_SIZE, _LENGTH_AT = 64, 56  # struct mmsghdr: a msghdr, then how much was moved
_NAME_LENGTH_AT, _CONTROL_LENGTH_AT, _FLAGS_AT = 8, 40, 48
_BILLION = 1_000_000_000


@dataclass(slots=True)
class _Header:
    """struct user_msghdr of the guest. Lengths in bytes, ``count`` in elements."""

    name: int
    name_length: int
    iov: int
    count: int
    control: int
    control_length: int
    flags: int


def _header(mm: AddressSpace, address: int) -> _Header:
    header = _Header(*s.MSGHDR.unpack(mm.read(address, s.MSGHDR.size)))
    if not header.name:
        header.name_length = 0
    if header.name_length < 0:
        fail(errno.EINVAL)
    header.name_length = min(header.name_length, s.ADDRESS_MAX)
    if header.count > s.UIO_MAXIOV:
        fail(errno.EMSGSIZE)
    if not header.control:
        header.control_length = 0
    return header


def _at(data: bytes | bytearray) -> int:
    return _native.address_of(data) if data else 0


# -- control data ----------------------------------------------------------------------------------


def passed(control: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """(level, type, offset in ``control``) of each descriptor in control data, as the kernel's CMSG_NXTHDR walks it.

    A header that does not fit ends the walk: the kernel refuses the whole message then.
    """
    at, size = 0, len(control)
    while at + s.CMSGHDR.size <= size:
        length, level, kind = s.CMSGHDR.unpack_from(control, at)
        if length < s.CMSGHDR.size or length > size - at:
            return
        if level == s.SOL_SOCKET and kind in (s.SCM_RIGHTS, s.SCM_PIDFD):
            for where in range(at + s.CMSGHDR.size, at + length - 3, 4):
                yield level, kind, where
        at += (length + 7) & ~7


def _number(control: bytes | bytearray, at: int) -> int:
    return int.from_bytes(control[at : at + 4], "little")


def _check_sent(control: bytes) -> None:
    """A guest passes on what is its own; EBADF for numbers that no guest has."""
    if any(_number(control, at) >= FD_LIMIT for _, _, at in passed(control)):
        fail(errno.EBADF)


def _admit(task: Task, control: bytearray) -> bool:
    """Descriptors that arrived beyond what the guest may have are closed, and read -1; whether all could stay."""
    all_stay = True
    for _, _, at in passed(control):
        fd = _number(control, at)
        if fd >= 1 << 31:
            continue
        if granted(task, fd) < 0:
            control[at : at + 4] = b"\xff\xff\xff\xff"
            all_stay = False
        elif task.process.special:
            task.process.special.pop(fd, None)
    return all_stay


# -- sending ---------------------------------------------------------------------------------------


def send(task: Task, fd: int, address: int, flags: int) -> int:
    mm = task.mm
    header = _header(mm, address)
    if header.control_length > _CONTROL_MOST:
        fail(errno.ENOBUFS)
    name = mm.read(header.name, header.name_length) if header.name_length else b""
    control = mm.read(header.control, header.control_length) if header.control_length else b""
    _check_sent(control)
    data = vector(mm, header.iov, header.count, write=False, whole=True)
    return _send(task, fd, name, data, control, flags)


def send_pieces(task: Task, fd: int, name: bytes, data: Vector, flags: int) -> int:
    """sendto(2) with data in several places."""
    return _send(task, fd, name, data, b"", flags)


def _send(task: Task, fd: int, name: bytes, data: Vector, control: bytes, flags: int) -> int:
    iov, count = data
    message = s.MSGHDR.pack(_at(name), len(name), _at(iov), count, _at(control), len(control), 0)
    return task.wait(SYS_sendmsg, fd, message, flags)


def send_many(task: Task, fd: int, address: int, count: int, flags: int) -> int:
    """As many as go; an error counts when it is the first's."""
    done = 0
    while done < min(count, s.UIO_MAXIOV):
        try:
            result = send(task, fd, address, flags)
        except OSError:
            if done:
                return done
            raise
        if result < 0:
            return done or result
        task.mm.put_u32(address + _LENGTH_AT, result)
        address += _MMSGHDR_SIZE
        done += 1
    return done


# -- receiving -------------------------------------------------------------------------------------


def receive(task: Task, fd: int, address: int, flags: int) -> int:
    mm = task.mm
    header = _header(mm, address)
    output(mm, address, s.MSGHDR.size)
    name = bytearray(header.name_length)
    control = bytearray(min(header.control_length, _CONTROL_RECEIVED))
    if name:
        output(mm, header.name, len(name))
    if control:
        output(mm, header.control, len(control))
    iov, count = vector(mm, header.iov, header.count, write=True)
    message = bytearray(s.MSGHDR.pack(_at(name), len(name), _at(iov), count, _at(control), len(control), 0))
    result = task.wait(SYS_recvmsg, fd, message, flags)
    if result >= 0:
        _tell(task, address, header, message, name, control)
    return result


def _tell(task: Task, address: int, header: _Header, message: bytearray, name: bytearray, control: bytearray) -> None:
    """Write back what the kernel said, into the guest's header and where that points."""
    mm = task.mm
    _, name_length, _, _, _, control_length, flags = s.MSGHDR.unpack(message)
    got = control[:control_length]
    if got and not _admit(task, got):
        flags |= s.MSG_CTRUNC
    try:
        if header.name:
            mm.write(header.name, name[:name_length])
            mm.put_u32(address + _NAME_LENGTH_AT, name_length)
        if got:
            mm.write(header.control, got)
        mm.put_u64(address + _CONTROL_LENGTH_AT, control_length)
        mm.put_u32(address + _FLAGS_AT, flags)
    except OSError:
        for _, _, at in passed(got):
            _native.quick(SYS_close, _number(got, at))
        raise


def receive_many(task: Task, fd: int, address: int, count: int, flags: int, timeout: int) -> int:
    """The time is looked at after each message, as recvmmsg(2) says; MSG_WAITFORONE waits for the first alone."""
    deadline = _deadline(task.mm, timeout)
    done = 0
    while done < min(count, s.UIO_MAXIOV):
        try:
            result = receive(task, fd, address, flags & ~s.MSG_WAITFORONE)
        except OSError:
            if done:
                return done
            raise
        if result < 0:
            return done or result
        task.mm.put_u32(address + _LENGTH_AT, result)
        address += _MMSGHDR_SIZE
        done += 1
        if flags & s.MSG_WAITFORONE:
            flags |= s.MSG_DONTWAIT
        if deadline and time.monotonic_ns() >= deadline:
            break
    return done


def _deadline(mm: AddressSpace, address: int) -> int:
    """In nanoseconds of the monotonic clock; 0: none."""
    if not address:
        return 0
    seconds, nanoseconds = TIMESPEC.unpack(mm.read(address, TIMESPEC.size))
    if seconds < 0 or not 0 <= nanoseconds < _BILLION:
        fail(errno.EINVAL)
    return time.monotonic_ns() + int(seconds) * _BILLION + int(nanoseconds)
