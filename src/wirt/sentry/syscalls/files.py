"""Open files: reading, writing, positions, duplicates, closing, syncing.

Data goes between guest memory and the host kernel without a copy. A buffer over several mappings becomes a vector; it
ends where the guest's memory does, so a transfer stops short there, as in Linux.
"""

from __future__ import annotations

import errno

from wirt.abi.linux.fcntl import CLOSE_RANGE_CLOEXEC, CLOSE_RANGE_UNSHARE, O_CLOEXEC
from wirt.abi.linux.unistd import (
    SYS_close,
    SYS_close_range,
    SYS_dup,
    SYS_dup3,
    SYS_fadvise64,
    SYS_fallocate,
    SYS_fdatasync,
    SYS_fsync,
    SYS_ftruncate,
    SYS_lseek,
    SYS_pread64,
    SYS_preadv2,
    SYS_pwrite64,
    SYS_pwritev2,
    SYS_read,
    SYS_readahead,
    SYS_readv,
    SYS_sync,
    SYS_sync_file_range,
    SYS_syncfs,
    SYS_write,
    SYS_writev,
)
from wirt.host import _native
from wirt.sentry.buffers import MAX_COUNT, Vector, granted, is_open, limit, pieces, vector
from wirt.sentry.descriptors import FD_LIMIT, descriptor
from wirt.sentry.failures import fail
from wirt.sentry.process import Process
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS", "duplicated"]

_CURRENT = 0xFFFF_FFFF_FFFF_FFFF  # preadv2's offset for "where the file is"


# -- reading and writing ---------------------------------------------------------------------------


def read(task: Task, fd: int, buf: int, count: int) -> int:
    fd = descriptor(fd)
    if not 0 < count <= MAX_COUNT:
        count = _count(count)
    try:
        address = task.mm.host(buf, count, True) if count else 0
    except OSError:
        return task.wait(SYS_readv, fd, *_scattered(task, fd, buf, count, write=True))
    return task.wait(SYS_read, fd, address, count)


def write(task: Task, fd: int, buf: int, count: int) -> int:
    fd = descriptor(fd)
    if not 0 < count <= MAX_COUNT:
        count = _count(count)
    try:
        address = task.mm.host(buf, count) if count else 0
    except OSError:
        return task.wait(SYS_writev, fd, *_scattered(task, fd, buf, count, write=False))
    return task.wait(SYS_write, fd, address, count)


def pread64(task: Task, fd: int, buf: int, count: int, offset: int) -> int:
    return _positioned(task, SYS_pread64, SYS_preadv2, fd, buf, count, offset, write=True)


def pwrite64(task: Task, fd: int, buf: int, count: int, offset: int) -> int:
    return _positioned(task, SYS_pwrite64, SYS_pwritev2, fd, buf, count, offset, write=False)


def _positioned(
    task: Task, number: int, scattered: int, fd: int, buf: int, count: int, offset: int, *, write: bool
) -> int:
    fd = descriptor(fd)
    count = _count(count)
    if offset >> 63:
        fail(errno.EINVAL)
    try:
        address = task.mm.host(buf, count, write) if count else 0
    except OSError:
        return task.wait(scattered, fd, *_scattered(task, fd, buf, count, write=write), offset)
    return task.wait(number, fd, address, count, offset)


def _count(count: int) -> int:
    if count >> 63:
        fail(errno.EINVAL)
    return min(count, MAX_COUNT)


def _scattered(task: Task, fd: int, buf: int, count: int, *, write: bool) -> Vector:
    """A buffer that is not within one mapping."""
    if not is_open(fd):
        fail(errno.EBADF)
    return pieces(task.mm.segments(buf, count, write))


def readv(task: Task, fd: int, iov: int, count: int) -> int:
    return task.wait(SYS_readv, *_vectored(task, fd, iov, count, write=True))


def writev(task: Task, fd: int, iov: int, count: int) -> int:
    return task.wait(SYS_writev, *_vectored(task, fd, iov, count, write=False))


def preadv(task: Task, fd: int, iov: int, count: int, offset: int, high: int) -> int:
    return _vectored_at(task, SYS_preadv2, fd, iov, count, offset, high, 0, write=True)


def pwritev(task: Task, fd: int, iov: int, count: int, offset: int, high: int) -> int:
    return _vectored_at(task, SYS_pwritev2, fd, iov, count, offset, high, 0, write=False)


def preadv2(task: Task, fd: int, iov: int, count: int, offset: int, high: int, flags: int) -> int:
    if offset == _CURRENT:
        return task.wait(SYS_preadv2, *_vectored(task, fd, iov, count, write=True), offset, 0, u32(flags))
    return _vectored_at(task, SYS_preadv2, fd, iov, count, offset, high, u32(flags), write=True)


def pwritev2(task: Task, fd: int, iov: int, count: int, offset: int, high: int, flags: int) -> int:
    if offset == _CURRENT:
        return task.wait(SYS_pwritev2, *_vectored(task, fd, iov, count, write=False), offset, 0, u32(flags))
    return _vectored_at(task, SYS_pwritev2, fd, iov, count, offset, high, u32(flags), write=False)


def _vectored(task: Task, fd: int, iov: int, count: int, *, write: bool) -> tuple[int, bytes, int]:
    fd = descriptor(fd)
    if not is_open(fd):
        fail(errno.EBADF)
    return (fd, *vector(task.mm, iov, count, write=write))


def _vectored_at(
    task: Task, number: int, fd: int, iov: int, count: int, offset: int, high: int, flags: int, *, write: bool
) -> int:
    """``high``: half of the offset on 32-bit machines; here it is shifted out of the word."""
    del high
    if offset >> 63:
        fail(errno.EINVAL)
    return task.wait(number, *_vectored(task, fd, iov, count, write=write), offset, 0, flags)


# -- descriptors -----------------------------------------------------------------------------------


def duplicated(process: Process, old: int, new: int) -> int:
    """``new`` refers to what ``old`` does: what is special about that goes with it. Returns ``new``."""
    special = process.special
    if special and new >= 0:
        if old in special:
            special[new] = special[old]
        else:
            special.pop(new, None)
    return new


def close(task: Task, fd: int) -> int:
    fd = descriptor(fd)
    task.process.forget_descriptor(fd)
    return _native.call(SYS_close, fd)


def close_range(task: Task, first: int, last: int, flags: int) -> int:
    """CLOSE_RANGE_UNSHARE changes nothing for a process with one thread, and is refused with ENOMEM otherwise."""
    first, last, flags = u32(first), u32(last), u32(flags)
    if first > last or flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC):
        fail(errno.EINVAL)
    if flags & CLOSE_RANGE_UNSHARE and len(task.process.tasks) > 1:
        fail(errno.ENOMEM)
    last = min(last, FD_LIMIT - 1)
    if first > last:
        return 0
    if not flags & CLOSE_RANGE_CLOEXEC:
        for fd in [fd for fd in task.process.special if first <= fd <= last]:
            task.process.forget_descriptor(fd)
    return _native.call(SYS_close_range, first, last, flags & CLOSE_RANGE_CLOEXEC)


def dup(task: Task, fd: int) -> int:
    old = descriptor(fd)
    return duplicated(task.process, old, granted(task, _native.quick(SYS_dup, old)))


def dup2(task: Task, fd: int, new: int) -> int:
    fd, new = descriptor(fd), u32(new)
    if fd == new:
        return fd if is_open(fd) else -errno.EBADF
    return _dup_to(task, fd, new, 0)


def dup3(task: Task, fd: int, new: int, flags: int) -> int:
    fd, new, flags = descriptor(fd), u32(new), u32(flags)
    if flags & ~O_CLOEXEC or fd == new:
        fail(errno.EINVAL)
    return _dup_to(task, fd, new, flags)


def _dup_to(task: Task, old: int, new: int, flags: int) -> int:
    if new >= limit(task):
        fail(errno.EBADF)
    return duplicated(task.process, old, _native.call(SYS_dup3, old, new, flags))


# -- positions, sizes, caches ----------------------------------------------------------------------


def lseek(task: Task, fd: int, offset: int, whence: int) -> int:
    return _native.quick(SYS_lseek, descriptor(fd), offset, u32(whence))


def ftruncate(task: Task, fd: int, length: int) -> int:
    with task.process.lock:
        task.mm.shorten(descriptor(fd), length)
    return task.wait(SYS_ftruncate, fd, length)


def fallocate(task: Task, fd: int, mode: int, offset: int, length: int) -> int:
    return task.wait(SYS_fallocate, descriptor(fd), s32(mode), offset, length)


def fsync(task: Task, fd: int) -> int:
    return _native.call(SYS_fsync, descriptor(fd))


def fdatasync(task: Task, fd: int) -> int:
    return _native.call(SYS_fdatasync, descriptor(fd))


def syncfs(task: Task, fd: int) -> int:
    return _native.call(SYS_syncfs, descriptor(fd))


def sync(task: Task) -> int:
    return _native.call(SYS_sync)


def sync_file_range(task: Task, fd: int, offset: int, count: int, flags: int) -> int:
    return _native.call(SYS_sync_file_range, descriptor(fd), offset, count, u32(flags))


def fadvise64(task: Task, fd: int, offset: int, length: int, advice: int) -> int:
    return _native.call(SYS_fadvise64, descriptor(fd), offset, length, s32(advice))


def readahead(task: Task, fd: int, offset: int, count: int) -> int:
    return _native.call(SYS_readahead, descriptor(fd), offset, count)


CALLS = (
    Call(0, "read", read, "fd buf size"),
    Call(1, "write", write, "fd buf size"),
    Call(3, "close", close, "fd"),
    Call(8, "lseek", lseek, "fd off int"),
    Call(17, "pread64", pread64, "fd buf size off"),
    Call(18, "pwrite64", pwrite64, "fd buf size off"),
    Call(19, "readv", readv, "fd ptr size"),
    Call(20, "writev", writev, "fd ptr size"),
    Call(32, "dup", dup, "fd"),
    Call(33, "dup2", dup2, "fd fd"),
    Call(74, "fsync", fsync, "fd"),
    Call(75, "fdatasync", fdatasync, "fd"),
    Call(77, "ftruncate", ftruncate, "fd off"),
    Call(162, "sync", sync),
    Call(187, "readahead", readahead, "fd off size"),
    Call(221, "fadvise64", fadvise64, "fd off size int"),
    Call(277, "sync_file_range", sync_file_range, "fd off off int"),
    Call(285, "fallocate", fallocate, "fd int off off"),
    Call(292, "dup3", dup3, "fd fd flags:open"),
    Call(295, "preadv", preadv, "fd ptr size off off"),
    Call(296, "pwritev", pwritev, "fd ptr size off off"),
    Call(306, "syncfs", syncfs, "fd"),
    Call(327, "preadv2", preadv2, "fd ptr size off off int"),
    Call(328, "pwritev2", pwritev2, "fd ptr size off off int"),
    Call(
        436,
        "close_range",
        close_range,
        "int int int",
        Support.PARTIAL,
        "CLOSE_RANGE_UNSHARE: ENOMEM in a process with several threads",
    ),
)
