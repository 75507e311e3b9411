"""<asm-generic/resource.h>: the limits of setrlimit(2), each name at its own number."""

from __future__ import annotations

__all__ = ["RLIMITS", "RLIM_INFINITY"]

_NAMES = "cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime"
RLIMITS = tuple(_NAMES.split())

RLIM_INFINITY = (1 << 64) - 1
