"""From a guest's pointers to what the host kernel may be given.

The rule of all handlers: a pointer that reaches the host kernel is 0, the host's address of guest memory whose length
was checked, or one of our own buffers. Structures are copied first, so that another thread of the guest cannot change
what was checked. Bulk data is never copied.
"""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux.fcntl import F_GETFD
from wirt.abi.linux.unistd import SYS_close, SYS_fcntl
from wirt.host import _native
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.failures import fail
from wirt.sentry.mm import AddressSpace
from wirt.sentry.task import Task

__all__ = ["MAX_COUNT", "Vector", "granted", "is_open", "limit", "output", "path", "pieces", "vector"]

MAX_COUNT = 0x7FFF_F000  # MAX_RW_COUNT: more than that no call moves
_MAX_VECTOR = 1024  # UIO_MAXIOV
_RLIMIT_NOFILE = 7
_IOVEC = struct.Struct("<QQ")
_PATH_MAX = 4096

Vector = tuple[bytes, int]  # an array of the host's struct iovec, and how many they are


def limit(task: Task) -> int:
    """One more than the highest descriptor that the process may get."""
    return min(FD_LIMIT, task.process.limits.get(_RLIMIT_NOFILE, (FD_LIMIT,))[0])


def granted(task: Task, fd: int) -> int:
    """A new descriptor, or -errno, as the guest gets it: EMFILE when it lies beyond what is the guest's."""
    if fd >= 0 and (fd >= FD_LIMIT or fd >= limit(task)):
        _native.quick(SYS_close, fd)
        return -errno.EMFILE
    return fd


def is_open(fd: int) -> bool:
    return _native.quick(SYS_fcntl, fd, F_GETFD) >= 0


def path(task: Task, address: int) -> bytes:
    """A path, copied; EFAULT, ENAMETOOLONG."""
    return task.mm.string(address, _PATH_MAX)


def output(mm: AddressSpace, address: int, size: int) -> None:
    """EFAULT unless ``size`` bytes can be written there: asked before a call whose effect could not be undone."""
    mm.segments(address, 1, True)
    if sum(length for _, length in mm.segments(address, size, True)) < size:
        fail(errno.EFAULT)


def pieces(found: list[tuple[int, int]]) -> Vector:
    """Host addresses and lengths as struct iovec; what exceeds an array's most is left out: a short transfer."""
    del found[_MAX_VECTOR:]
    return b"".join([_IOVEC.pack(*piece) for piece in found]), len(found)


def vector(mm: AddressSpace, address: int, count: int, *, write: bool, whole: bool = False) -> Vector:
    """A guest's array of struct iovec, translated. ``write``: the buffers are to be filled.

    It ends at the first byte that the guest may not touch (EFAULT if that is the very first, or with ``whole``) and at
    ``MAX_COUNT`` bytes. EINVAL for more than 1024 elements and for negative lengths, as in Linux's lib/iov_iter.c.
    """
    if count > _MAX_VECTOR:
        fail(errno.EINVAL)
    if not count:
        return b"", 0
    found: list[tuple[int, int]] = []
    left = MAX_COUNT
    elements = list(_IOVEC.iter_unpack(mm.read(address, count * _IOVEC.size)))
    if any(size >> 63 for _, size in elements):
        fail(errno.EINVAL)
    for base, size in elements:
        wanted = min(size, left)
        if not wanted:
            continue
        parts = _reachable(mm, base, wanted, write=write, whole=whole or not found)
        found += parts
        left -= wanted
        if sum(length for _, length in parts) < wanted:
            if whole:
                fail(errno.EFAULT)
            break
        if len(found) > _MAX_VECTOR:
            break
    if whole and len(found) > _MAX_VECTOR:
        fail(errno.EMSGSIZE)
    return pieces(found)


def _reachable(mm: AddressSpace, base: int, size: int, *, write: bool, whole: bool) -> list[tuple[int, int]]:
    try:
        return mm.segments(base, size, write)
    except OSError:
        if whole:
            raise
        return []
