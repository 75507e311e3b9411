"""Which descriptors are the guest's: those below ``FD_LIMIT``. The monitor keeps its own above.

A guest's descriptor is the host's of the same number, so the host kernel gives out the lowest free one, duplicates,
inherits and passes them on as Linux does, with no table to keep in step.
"""

from __future__ import annotations

import errno
import fcntl
import os

from wirt.abi.linux import prctl
from wirt.abi.linux.unistd import SYS_fcntl, SYS_prctl
from wirt.host import _native

__all__ = ["FD_LIMIT", "OWN", "descriptor", "descriptor_or_cwd", "hide", "open_descriptors"]

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
    """The same for the calls with ``dirfd``, which take AT_FDCWD as well.

    -1 for a number that no guest can have: the host kernel has EBADF for it, but not when the path is absolute.
    """
    fd = word & 0xFFFF_FFFF
    if fd == AT_FDCWD & 0xFFFF_FFFF:
        return AT_FDCWD
    return fd if fd < FD_LIMIT else -1


def hide(fd: int) -> int:
    """Move a descriptor of the monitor out of the guest's reach; the old number is closed in any case."""
    try:
        return fcntl.fcntl(fd, _F_DUPFD_CLOEXEC, OWN)
    finally:
        os.close(fd)


def open_descriptors(proc_fd: int) -> list[int]:
    """The guest's open descriptors, lowest first. ``proc_fd``: a procfs, as ``GuestOptions`` has it.

    For a process with one thread: another could use the folder while it is open. Other processes cannot, as they may
    not look into this one meanwhile.
    """
    before = _native.quick(SYS_prctl, prctl.PR_GET_DUMPABLE)
    _native.quick(SYS_prctl, prctl.PR_SET_DUMPABLE, 0)
    folder = os.open("self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc_fd)
    try:
        found = sorted(int(name) for name in os.listdir(folder))
    finally:
        os.close(folder)
        _native.quick(SYS_prctl, prctl.PR_SET_DUMPABLE, before)
    # The folder itself was among them.
    return [fd for fd in found if fd < FD_LIMIT and _native.quick(SYS_fcntl, fd, fcntl.F_GETFD) >= 0]
