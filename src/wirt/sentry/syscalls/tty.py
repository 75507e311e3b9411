"""ioctl(2): terminals, files and sockets. The requests that there are, are data: ``abi/linux/ioctls``.

What is not in that list is ENOTTY and never reaches the host kernel, as nobody can know what its argument points to.
"""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux.ioctls import FICLONE, FICLONERANGE, REQUESTS, SIOCGIFCONF, TIOCGPTPEER, Way
from wirt.abi.linux.unistd import SYS_ioctl
from wirt.host import _native
from wirt.sentry.buffers import granted, is_open, output
from wirt.sentry.descriptors import FD_LIMIT, descriptor
from wirt.sentry.failures import fail
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

_IFCONF = struct.Struct("<i4xQ")  # length, address
_IFREQ_SIZE = 40
_MOST_INTERFACES = 1024
_CLONE_RANGE = struct.Struct("<qQQQ")  # descriptor, offset, length, offset


def ioctl(task: Task, fd: int, request: int, argument: int) -> int:
    fd, request = descriptor(fd), u32(request)
    what = REQUESTS.get(request)
    if what is None:
        return _other(task, fd, request, argument)
    if what.way is Way.NUMBER:
        return task.wait(SYS_ioctl, fd, request, argument)
    if what.way is Way.IN:
        if not is_open(fd):
            fail(errno.EBADF)
        return task.wait(SYS_ioctl, fd, request, task.mm.read(argument, what.size))
    held = bytearray(what.size)
    if what.way is Way.BOTH:
        held[:] = task.mm.read(argument, what.size)
    result = task.wait(SYS_ioctl, fd, request, held)
    if result >= 0:
        task.mm.write(argument, held)
    return result


def _other(task: Task, fd: int, request: int, argument: int) -> int:
    """Requests that name descriptors or hold pointers, and all that are unknown."""
    if not is_open(fd):
        fail(errno.EBADF)
    if request == SIOCGIFCONF:
        return _interfaces(task, fd, argument)
    if request == TIOCGPTPEER:
        return granted(task, task.wait(SYS_ioctl, fd, request, argument))
    if request == FICLONE:
        return _native.call(SYS_ioctl, fd, request, descriptor(argument))
    if request == FICLONERANGE:
        data = task.mm.read(argument, _CLONE_RANGE.size)
        if not 0 <= _CLONE_RANGE.unpack(data)[0] < FD_LIMIT:
            fail(errno.EBADF)
        return _native.call(SYS_ioctl, fd, request, data)
    return -errno.ENOTTY


def _interfaces(task: Task, fd: int, address: int) -> int:
    """struct ifconf: as many struct ifreq as fit; without an address, how many bytes they take."""
    length, target = _IFCONF.unpack(task.mm.read(address, _IFCONF.size))
    held = bytearray(min(max(length, 0), _MOST_INTERFACES * _IFREQ_SIZE) if target else 0)
    question = bytearray(_IFCONF.pack(len(held), _native.address_of(held) if target else 0))
    result = _native.call(SYS_ioctl, fd, SIOCGIFCONF, question)
    if result >= 0:
        got = _IFCONF.unpack(question)[0]
        if target and got:
            output(task.mm, target, got)
            task.mm.write(target, held[:got])
        task.mm.put_u32(address, got)
    return result


CALLS = (
    Call(16, "ioctl", ioctl, "fd int ptr", Support.PARTIAL, "the requests in abi/linux/ioctls; others are ENOTTY"),
)
