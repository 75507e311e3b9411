"""The resource limits that are the guest's alone: the host's own would hit the monitor.

That of file sizes the host holds the process to, by its soft limit, which the monitor puts aside for files of its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Iterator

from wirt.abi.linux.resource import RLIM_INFINITY, RLIMITS
from wirt.abi.linux.unistd import SYS_prlimit64
from wirt.host import _native
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.process import Process

__all__ = ["FSIZE", "NOFILE", "STACK", "Limit", "begin_limits", "check_room", "hold_files", "own_limit", "unheld"]

Limit = tuple[int, int]  # soft, hard

_WRITE = 2  # PROT_WRITE
STACK, NOFILE, FSIZE = RLIMITS.index("stack"), RLIMITS.index("nofile"), RLIMITS.index("fsize")
_DATA, _AS = RLIMITS.index("data"), RLIMITS.index("as")
# As they are until somebody changes them
_DEFAULTS: dict[int, Limit] = {
    _DATA: (RLIM_INFINITY, RLIM_INFINITY),
    STACK: (8 << 20, RLIM_INFINITY),
    FSIZE: (RLIM_INFINITY, RLIM_INFINITY),
    RLIMITS.index("core"): (0, RLIM_INFINITY),
    RLIMITS.index("rss"): (RLIM_INFINITY, RLIM_INFINITY),
    NOFILE: (FD_LIMIT, FD_LIMIT),
    _AS: (RLIM_INFINITY, RLIM_INFINITY),
}


def own_limit(process: Process, resource: int) -> Limit | None:
    """What ``process`` has of RLIMIT_``resource``; None for those that the host kernel keeps."""
    default = _DEFAULTS.get(resource)
    return None if default is None else process.limits.get(resource, default)


def begin_limits(process: Process) -> None:
    """The limits that a guest's first program has, as whoever made the guest wants them."""
    for resource, (soft, hard) in process.options.limits.items():
        if resource in _DEFAULTS:
            most = _DEFAULTS[resource][1]
            process.limits[resource] = (min(soft, most), min(hard, most))
    process.stack_size = process.limits.get(STACK, _DEFAULTS[STACK])[0]
    hold_files(process)


def hold_files(process: Process) -> None:
    """Have the host heed the guest's RLIMIT_FSIZE, as it is now."""
    if FSIZE in process.limits:
        _set_host(process.limits[FSIZE][0])


@contextlib.contextmanager
def unheld(process: Process) -> Iterator[None]:
    """Files that are the monitor's own may be of any size meanwhile. The caller holds ``process.lock``."""
    if FSIZE not in process.limits:
        yield
        return
    _set_host(RLIM_INFINITY)
    try:
        yield
    finally:
        hold_files(process)


def _set_host(soft: int) -> None:
    result = _native.quick(SYS_prlimit64, 0, FSIZE, struct.pack("<QQ", soft, RLIM_INFINITY), 0)
    if result < 0:
        raise OSError(-result, os.strerror(-result))


def check_room(process: Process, va: int, size: int, *, data: bool) -> None:
    """ENOMEM when ``size`` bytes of mappings at ``va``, in place of what is there, are more than RLIMIT_AS allows.

    ``data``: they are private and writable, and RLIMIT_DATA counts too (may_expand_vm of mm/mmap.c).
    """
    if _AS not in process.limits and _DATA not in process.limits:
        return
    vmas = process.mm.vmas
    more = size - sum(min(vma.end, va + size) - max(vma.start, va) for vma in vmas.between(va, va + size))
    everything = sum(vma.size for vma in vmas)
    private = sum(vma.size for vma in vmas if vma.rights & _WRITE and not vma.shared and not vma.grows_down)
    fits = everything + more <= process.limits.get(_AS, _DEFAULTS[_AS])[0]
    if not fits or (data and private + more > process.limits.get(_DATA, _DEFAULTS[_DATA])[0]):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
