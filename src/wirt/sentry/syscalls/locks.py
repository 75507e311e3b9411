"""fcntl(2) and flock(2). Locks are the host kernel's: a guest process is a host process, and owns them as on Linux."""

from __future__ import annotations

import errno

from wirt.abi.linux import fcntl as f
from wirt.abi.linux.unistd import SYS_fcntl, SYS_flock
from wirt.host import _native
from wirt.sentry.buffers import granted, is_open, limit
from wirt.sentry.descriptors import descriptor
from wirt.sentry.failures import fail
from wirt.sentry.syscalls.files import duplicated
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

_FLOCK_SIZE = 32  # struct flock
_OWNER_SIZE = 8  # struct f_owner_ex
_LAST_SIGNAL = 63  # 64 is the monitor's own

# The argument is a number that the kernel does not follow.
_PLAIN = frozenset((
    f.F_GETFD, f.F_SETFD, f.F_GETFL, f.F_SETFL, f.F_SETOWN, f.F_GETOWN, f.F_SETSIG, f.F_GETSIG, f.F_SETLEASE,
    f.F_GETLEASE, f.F_NOTIFY, f.F_SETPIPE_SZ, f.F_GETPIPE_SZ, f.F_ADD_SEALS, f.F_GET_SEALS, f.F_CREATED_QUERY,
))  # fmt: skip
_WAITING = frozenset((f.F_SETLKW, f.F_OFD_SETLKW))
# Commands whose argument points to something of a size: what the kernel reads, what it fills.
_READS = {
    f.F_SETLK: _FLOCK_SIZE,
    f.F_SETLKW: _FLOCK_SIZE,
    f.F_OFD_SETLK: _FLOCK_SIZE,
    f.F_OFD_SETLKW: _FLOCK_SIZE,
    f.F_SETOWN_EX: _OWNER_SIZE,
    f.F_SET_RW_HINT: 8,
    f.F_SET_FILE_RW_HINT: 8,
}
_FILLS = {
    f.F_GETLK: _FLOCK_SIZE,
    f.F_OFD_GETLK: _FLOCK_SIZE,
    f.F_GETOWN_EX: _OWNER_SIZE,
    f.F_GETOWNER_UIDS: 8,
    f.F_GET_RW_HINT: 8,
    f.F_GET_FILE_RW_HINT: 8,
}


def fcntl(task: Task, fd: int, command: int, argument: int) -> int:
    fd, command = descriptor(fd), u32(command)
    if command in _PLAIN:
        if command == f.F_SETSIG and argument > _LAST_SIGNAL:
            fail(errno.EINVAL)
        return _native.quick(SYS_fcntl, fd, command, argument)
    if command in (f.F_DUPFD, f.F_DUPFD_CLOEXEC):
        return _duplicate(task, fd, command, argument)
    if not is_open(fd):
        fail(errno.EBADF)
    if command in _READS:
        data = task.mm.read(argument, _READS[command])
        if command in _WAITING:
            return task.wait(SYS_fcntl, fd, command, data)
        return _native.call(SYS_fcntl, fd, command, data)
    if command in _FILLS:
        return _fill(task, fd, command, argument)
    if command == f.F_DUPFD_QUERY:
        return _native.quick(SYS_fcntl, fd, command, descriptor(argument))
    return -errno.EINVAL


def _duplicate(task: Task, fd: int, command: int, least: int) -> int:
    if not is_open(fd):
        fail(errno.EBADF)
    if u32(least) >= limit(task):
        fail(errno.EINVAL)
    return duplicated(task.process, fd, granted(task, _native.quick(SYS_fcntl, fd, command, u32(least))))


def _fill(task: Task, fd: int, command: int, address: int) -> int:
    """The kernel looks at what is there and answers in the same place."""
    data = bytearray(task.mm.read(address, _FILLS[command]))
    result = _native.call(SYS_fcntl, fd, command, data)
    if result >= 0:
        task.mm.write(address, data)
    return result


def flock(task: Task, fd: int, operation: int) -> int:
    return task.wait(SYS_flock, descriptor(fd), u32(operation))


CALLS = (
    Call(72, "fcntl", fcntl, "fd int ptr", Support.PARTIAL, "unknown commands are EINVAL"),
    Call(73, "flock", flock, "fd int"),
)
