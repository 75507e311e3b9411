"""Which descriptors are the guest's: those below ``FD_LIMIT``. The monitor keeps its own above.

A guest's descriptor is the host's of the same number, so the host kernel gives out the lowest free one, duplicates,
inherits and passes them on as Linux does, with no table to keep in step.
"""

from __future__ import annotations

import errno
import fcntl
import os

from wirt.host import _native

__all__ = ["FD_LIMIT", "OWN", "descriptor", "descriptor_or_cwd", "hide"]

FD_LIMIT = 8192  # also what the guest sees as RLIMIT_NOFILE's hard limit
OWN = FD_LIMIT + 1  # from here on the monitor's

AT_FDCWD = -100
_F_DUPFD_CLOEXEC = fcntl.F_DUPFD_CLOEXEC


def descriptor(word: int) -> int:
    """The descriptor in a register; EBADF for numbers that no guest can have."""
    fd = word & 0xFFFF_FFFF
    if fd >= FD_LIMIT:
        raise OSError(errno.EBADF, "bad file descriptor")
    return fd


def descriptor_or_cwd(word: int) -> int:
    """The same for the calls with ``dirfd``, which take AT_FDCWD as well."""
    fd = word & 0xFFFF_FFFF
    if fd == AT_FDCWD & 0xFFFF_FFFF:
        return AT_FDCWD
    if fd >= FD_LIMIT:
        raise OSError(errno.EBADF, "bad file descriptor")
    return fd


def hide(fd: int) -> int:
    """Move a descriptor of the monitor out of the guest's reach; the old number is closed."""
    moved = fcntl.fcntl(fd, _F_DUPFD_CLOEXEC, OWN)
    os.close(fd)
    return moved


def open_descriptors() -> list[int]:
    """The guest's open descriptors, lowest first."""
    found = []
    fd = 0
    misses = 0
    while fd < FD_LIMIT and misses < 1024:
        if _native.quick(72, fd, fcntl.F_GETFD) >= 0:
            found.append(fd)
            misses = 0
        else:
            misses += 1
        fd += 1
    return found
