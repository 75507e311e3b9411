"""Sockets: unix, IPv4, IPv6, and netlink's routes, in the guest's network namespace.

Addresses, options and control data are copied, so that nothing the host kernel reads twice can change in between; data
is not. Descriptors in control data are the guest's own in both directions.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from wirt.abi.linux import socket as s
from wirt.abi.linux import unistd as nr
from wirt.host import _native
from wirt.sentry import messages
from wirt.sentry.buffers import MAX_COUNT, granted, is_open, output, pieces
from wirt.sentry.descriptors import descriptor
from wirt.sentry.failures import fail
from wirt.sentry.syscalls.pipes import give_pair
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_PROTOCOLS = frozenset(
    (0, s.IPPROTO_ICMP, s.IPPROTO_TCP, s.IPPROTO_UDP, s.IPPROTO_ICMPV6, s.IPPROTO_UDPLITE, s.IPPROTO_RAW)
)
_OPTION_MOST = 1 << 16


# -- making and connecting -------------------------------------------------------------------------


def socket(task: Task, family: int, kind: int, protocol: int) -> int:
    family, kind, protocol = s32(family), s32(kind), s32(protocol)
    _check_family(family, protocol)
    return granted(task, _native.call(nr.SYS_socket, family, kind, protocol))


def socketpair(task: Task, family: int, kind: int, protocol: int, fds: int) -> int:
    family, kind, protocol = s32(family), s32(kind), s32(protocol)
    _check_family(family, protocol)
    output(task.mm, fds, 8)
    pair = bytearray(8)
    result = _native.call(nr.SYS_socketpair, family, kind, protocol, pair)
    return give_pair(task, fds, pair) if result >= 0 else result


def _check_family(family: int, protocol: int) -> None:
    """EAFNOSUPPORT and EPROTONOSUPPORT, as on a kernel that was built without the rest."""
    if family == s.AF_NETLINK:
        if protocol != s.NETLINK_ROUTE:
            fail(errno.EPROTONOSUPPORT)
    elif family in (s.AF_INET, s.AF_INET6):
        if protocol not in _PROTOCOLS:
            fail(errno.EPROTONOSUPPORT)
    elif family != s.AF_UNIX:
        fail(errno.EAFNOSUPPORT)


def _address(task: Task, address: int, size: int) -> bytes:
    length = s32(size)
    if not 0 <= length <= s.ADDRESS_MAX:
        fail(errno.EINVAL)
    return task.mm.read(address, length) if length else b""


def bind(task: Task, fd: int, address: int, size: int) -> int:
    fd, name = _checked(fd), _address(task, address, size)
    return _native.call(nr.SYS_bind, fd, name, len(name))


def connect(task: Task, fd: int, address: int, size: int) -> int:
    fd, name = _checked(fd), _address(task, address, size)
    return task.wait(nr.SYS_connect, fd, name, len(name))


def _checked(fd: int) -> int:
    """A descriptor that is open: EBADF goes before what is wrong with the rest."""
    number = descriptor(fd)
    return number if is_open(number) else fail(errno.EBADF)


def listen(task: Task, fd: int, backlog: int) -> int:
    return _native.call(nr.SYS_listen, descriptor(fd), s32(backlog))


def accept(task: Task, fd: int, address: int, size: int) -> int:
    return accept4(task, fd, address, size, 0)


def accept4(task: Task, fd: int, address: int, size: int, flags: int) -> int:
    fd, flags = descriptor(fd), s32(flags)

    def call(name: Buffer, length: Buffer) -> int:
        return granted(task, task.wait(nr.SYS_accept4, fd, name, length, flags))

    return _with_name(task, address, size, call)


def getsockname(task: Task, fd: int, address: int, size: int) -> int:
    fd = _checked(fd)
    return _with_name(task, address, size, lambda name, length: _native.call(nr.SYS_getsockname, fd, name, length))


def getpeername(task: Task, fd: int, address: int, size: int) -> int:
    fd = _checked(fd)
    return _with_name(task, address, size, lambda name, length: _native.call(nr.SYS_getpeername, fd, name, length))


Buffer = int | bytes | bytearray


def _with_name(task: Task, address: int, size: int, call: Callable[[Buffer, Buffer], int]) -> int:
    """A call that tells an address: as much of it as fits, and how long it is."""
    if not address:
        return call(0, 0)
    mm = task.mm
    room = s32(mm.u32(size))
    if room < 0:
        fail(errno.EINVAL)
    room = min(room, s.ADDRESS_MAX)
    output(mm, size, 4)
    if room:
        output(mm, address, room)
    name, length = bytearray(s.ADDRESS_MAX), bytearray(room.to_bytes(4, "little"))
    result = call(name, length)
    if result >= 0:
        whole = int.from_bytes(length, "little")
        mm.write(address, name[: min(whole, room)])
        mm.write(size, length)
    return result


def shutdown(task: Task, fd: int, how: int) -> int:
    return _native.call(nr.SYS_shutdown, descriptor(fd), s32(how))


# -- sending and receiving -------------------------------------------------------------------------


def sendto(task: Task, fd: int, buf: int, count: int, flags: int, address: int, size: int) -> int:
    fd, count, flags = _checked(fd), min(count, MAX_COUNT), u32(flags)
    name = _address(task, address, size) if address else b""
    try:
        data = task.mm.host(buf, count) if count else 0
    except OSError:
        parts = task.mm.segments(buf, count)
        if sum(length for _, length in parts) < count:
            raise
        return messages.send_pieces(task, fd, name, pieces(parts), flags)
    return task.wait(nr.SYS_sendto, fd, data, count, flags, name or 0, len(name))


def recvfrom(task: Task, fd: int, buf: int, count: int, flags: int, address: int, size: int) -> int:
    fd, count, flags = _checked(fd), min(count, MAX_COUNT), u32(flags)
    try:
        data = task.mm.host(buf, count, True) if count else 0
    except OSError:  # the part that can be written; a datagram is cut there, as it is by a short buffer
        data, count = task.mm.segments(buf, count, True)[0]
    if not address:
        return task.wait(nr.SYS_recvfrom, fd, data, count, flags, 0, 0)
    return _with_name(
        task, address, size, lambda name, length: task.wait(nr.SYS_recvfrom, fd, data, count, flags, name, length)
    )


def sendmsg(task: Task, fd: int, message: int, flags: int) -> int:
    return messages.send(task, _checked(fd), message, u32(flags))


def recvmsg(task: Task, fd: int, message: int, flags: int) -> int:
    return messages.receive(task, _checked(fd), message, u32(flags))


def sendmmsg(task: Task, fd: int, vector: int, count: int, flags: int) -> int:
    return messages.send_many(task, _checked(fd), vector, u32(count), u32(flags))


def recvmmsg(task: Task, fd: int, vector: int, count: int, flags: int, timeout: int) -> int:
    return messages.receive_many(task, _checked(fd), vector, u32(count), u32(flags), timeout)


# -- options ---------------------------------------------------------------------------------------


def setsockopt(task: Task, fd: int, level: int, option: int, value: int, size: int) -> int:
    fd, level, option, size = _checked(fd), s32(level), s32(option), s32(size)
    if not 0 <= size <= _OPTION_MOST:
        fail(errno.EINVAL)
    if (level, option) in ((s.SOL_SOCKET, s.SO_ATTACH_FILTER), (s.SOL_SOCKET, s.SO_ATTACH_REUSEPORT_CBPF)):
        return _attach_filter(task, fd, option, value, size)
    _check_option(level, option)
    data = task.mm.read(value, size) if value and size else 0
    return _native.call(nr.SYS_setsockopt, fd, level, option, data, size)


def _attach_filter(task: Task, fd: int, option: int, value: int, size: int) -> int:
    """struct sock_fprog points to the program, which is copied."""
    if size != s.SOCK_FPROG.size:
        fail(errno.EINVAL)
    count, address = s.SOCK_FPROG.unpack(task.mm.read(value, size))
    if not 0 < count <= s.BPF_MAXINSNS:
        fail(errno.EINVAL)
    program = task.mm.read(address, count * s.SOCK_FILTER_SIZE)
    translated = s.SOCK_FPROG.pack(count, _native.address_of(program))
    return _native.call(nr.SYS_setsockopt, fd, s.SOL_SOCKET, option, translated, size)


def getsockopt(task: Task, fd: int, level: int, option: int, value: int, size: int) -> int:
    fd, level, option = _checked(fd), s32(level), s32(option)
    _check_option(level, option)
    room = s32(task.mm.u32(size))
    if room < 0:
        fail(errno.EINVAL)
    room = min(room, _OPTION_MOST)
    held = bytearray(task.mm.read(value, room)) if room and value else bytearray(room)
    length = bytearray(room.to_bytes(4, "little"))
    result = _native.call(nr.SYS_getsockopt, fd, level, option, held, length)
    if result < 0:
        return result
    got = int.from_bytes(length, "little")
    if (level, option) == (s.SOL_SOCKET, s.SO_PEERPIDFD):
        granted_fd = granted(task, int.from_bytes(held[:4], "little"))
        if granted_fd < 0:
            return granted_fd
    task.mm.write(value, held[: min(got, room)])
    task.mm.write(size, length)
    return result


def _check_option(level: int, option: int) -> None:
    if option not in s.FLAT_OPTIONS.get(level, ()):
        fail(errno.ENOPROTOOPT)


CALLS = (
    Call(41, "socket", socket, "int int int", Support.PARTIAL, "AF_UNIX, AF_INET, AF_INET6, NETLINK_ROUTE"),
    Call(42, "connect", connect, "fd ptr size"),
    Call(43, "accept", accept, "fd ptr ptr"),
    Call(44, "sendto", sendto, "fd buf size int ptr size"),
    Call(45, "recvfrom", recvfrom, "fd out size int ptr ptr"),
    Call(46, "sendmsg", sendmsg, "fd ptr int"),
    Call(47, "recvmsg", recvmsg, "fd ptr int"),
    Call(48, "shutdown", shutdown, "fd int"),
    Call(49, "bind", bind, "fd ptr size"),
    Call(50, "listen", listen, "fd int"),
    Call(51, "getsockname", getsockname, "fd ptr ptr"),
    Call(52, "getpeername", getpeername, "fd ptr ptr"),
    Call(53, "socketpair", socketpair, "int int int ptr"),
    Call(54, "setsockopt", setsockopt, "fd int int ptr size", Support.PARTIAL, "options that are flat data"),
    Call(55, "getsockopt", getsockopt, "fd int int ptr ptr", Support.PARTIAL, "options that are flat data"),
    Call(288, "accept4", accept4, "fd ptr ptr int"),
    Call(299, "recvmmsg", recvmmsg, "fd ptr size int ptr"),
    Call(307, "sendmmsg", sendmmsg, "fd ptr size int"),
)
