"""The resource limits that are the guest's alone: the host's own would hit the monitor."""

from __future__ import annotations

from wirt.abi.linux.resource import RLIM_INFINITY, RLIMITS
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.process import Process

__all__ = ["NOFILE", "STACK", "Limit", "own_limit"]

Limit = tuple[int, int]  # soft, hard

STACK, NOFILE = RLIMITS.index("stack"), RLIMITS.index("nofile")
# As they are until somebody changes them
_DEFAULTS: dict[int, Limit] = {
    RLIMITS.index("data"): (RLIM_INFINITY, RLIM_INFINITY),
    STACK: (8 << 20, RLIM_INFINITY),
    RLIMITS.index("core"): (0, RLIM_INFINITY),
    RLIMITS.index("rss"): (RLIM_INFINITY, RLIM_INFINITY),
    NOFILE: (FD_LIMIT, FD_LIMIT),
    RLIMITS.index("as"): (RLIM_INFINITY, RLIM_INFINITY),
}


def own_limit(process: Process, resource: int) -> Limit | None:
    """What ``process`` has of RLIMIT_``resource``; None for those that the host kernel keeps."""
    default = _DEFAULTS.get(resource)
    return None if default is None else process.limits.get(resource, default)
