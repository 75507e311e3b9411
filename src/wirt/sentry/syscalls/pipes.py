"""Pipes, and moving data between descriptors without the guest's memory."""

from __future__ import annotations

import errno

from wirt.abi.linux.fcntl import O_CLOEXEC, O_DIRECT, O_NONBLOCK
from wirt.abi.linux.unistd import (
    SYS_close,
    SYS_copy_file_range,
    SYS_fcntl,
    SYS_pipe2,
    SYS_readv,
    SYS_sendfile,
    SYS_splice,
    SYS_tee,
    SYS_writev,
)
from wirt.host import _native
from wirt.sentry.buffers import MAX_COUNT, granted, is_open, output, vector
from wirt.sentry.descriptors import descriptor
from wirt.sentry.failures import fail
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS", "give_pair"]

_F_GETFL, _F_GETPIPE_SZ, _O_ACCMODE, _O_RDONLY = 3, 1032, 3, 0


def pipe(task: Task, fds: int) -> int:
    return pipe2(task, fds, 0)


def pipe2(task: Task, fds: int, flags: int) -> int:
    flags = u32(flags)
    if flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT):
        fail(errno.EINVAL)
    output(task.mm, fds, 8)
    pair = bytearray(8)
    result = _native.quick(SYS_pipe2, pair, flags)
    return give_pair(task, fds, pair) if result >= 0 else result


def give_pair(task: Task, address: int, pair: bytearray) -> int:
    """Two new descriptors for the guest, or none of them."""
    both = [int.from_bytes(pair[at : at + 4], "little") for at in (0, 4)]
    refused = [fd for fd in both if granted(task, fd) < 0]
    if refused:
        for fd in set(both) - set(refused):
            _native.quick(SYS_close, fd)
        fail(errno.EMFILE)
    task.mm.write(address, pair)
    return 0


def splice(task: Task, source: int, source_at: int, target: int, target_at: int, size: int, flags: int) -> int:
    return _moved(task, SYS_splice, source, source_at, target, target_at, size, flags)


def copy_file_range(task: Task, source: int, source_at: int, target: int, target_at: int, size: int, flags: int) -> int:
    return _moved(task, SYS_copy_file_range, source, source_at, target, target_at, size, flags)


def _moved(
    task: Task, number: int, source: int, source_at: int, target: int, target_at: int, size: int, flags: int
) -> int:
    """Both offsets are read from and written back to the guest's memory, where they are given."""
    source, target = descriptor(source), descriptor(target)
    offsets = [(at, bytearray(task.mm.read(at, 8))) for at in (source_at, target_at) if at]
    held = dict(offsets)
    size = min(size, MAX_COUNT)
    result = task.wait(number, source, held.get(source_at, 0), target, held.get(target_at, 0), size, u32(flags))
    if result >= 0:
        for at, data in offsets:
            task.mm.write(at, data)
    return result


def sendfile(task: Task, target: int, source: int, offset: int, count: int) -> int:
    target, source = descriptor(target), descriptor(source)
    held = bytearray(task.mm.read(offset, 8)) if offset else 0
    result = task.wait(SYS_sendfile, target, source, held, min(count, MAX_COUNT))
    if isinstance(held, bytearray) and result >= 0:
        task.mm.write(offset, held)
    return result


def tee(task: Task, source: int, target: int, size: int, flags: int) -> int:
    return task.wait(SYS_tee, descriptor(source), descriptor(target), min(size, MAX_COUNT), u32(flags))


def vmsplice(task: Task, fd: int, iov: int, count: int, flags: int) -> int:
    """Copies, where Linux may lend the pages themselves: a guest's pages are not to be held by others."""
    fd = descriptor(fd)
    if u32(flags) & ~0xF:
        fail(errno.EINVAL)
    if not is_open(fd) or _native.quick(SYS_fcntl, fd, _F_GETPIPE_SZ) < 0:
        fail(errno.EBADF)
    reads = _native.quick(SYS_fcntl, fd, _F_GETFL) & _O_ACCMODE == _O_RDONLY
    return task.wait(SYS_readv if reads else SYS_writev, fd, *vector(task.mm, iov, count, write=reads))


CALLS = (
    Call(22, "pipe", pipe, "ptr"),
    Call(40, "sendfile", sendfile, "fd fd ptr size"),
    Call(275, "splice", splice, "fd ptr fd ptr size int"),
    Call(276, "tee", tee, "fd fd size int"),
    Call(278, "vmsplice", vmsplice, "fd ptr size int", Support.PARTIAL, "copies; SPLICE_F_NONBLOCK is not looked at"),
    Call(293, "pipe2", pipe2, "ptr flags:open", Support.PARTIAL, "no O_NOTIFICATION_PIPE"),
    Call(326, "copy_file_range", copy_file_range, "fd ptr fd ptr size int"),
)
