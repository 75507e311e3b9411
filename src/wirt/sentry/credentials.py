"""What execve(2) does to a process's credentials: no host program is executed, so the host kernel does not do it."""

from __future__ import annotations

import os
import struct

from wirt.abi.linux import capability, prctl
from wirt.abi.linux.unistd import SYS_capget, SYS_capset, SYS_prctl, SYS_setresgid, SYS_setresuid
from wirt.host import _native

__all__ = ["CapabilitySets", "capability_sets", "renew", "set_capabilities"]

CapabilitySets = tuple[int, int, int]  # effective, permitted, inheritable

_PR_SET_KEEPCAPS = 8
_UNCHANGED = 0xFFFF_FFFF
_HEADER = struct.pack("=Ii", capability.LINUX_CAPABILITY_VERSION_3, 0)
_SETS = struct.Struct("=6I")  # effective, permitted, inheritable: the lower words, then the upper ones


def renew() -> None:
    """For the calling thread, the only one of its process: raw calls, as the C library's want to tell other threads.

    Saved ids become the effective ones. A process of which neither id is root's loses its capabilities, root has all of
    its own in effect (capabilities(7), "Transformation of capabilities during execve()"; no file has any, and nobody
    here has ambient ones).
    """
    uid, euid, _ = os.getresuid()
    _, egid, _ = os.getresgid()
    _native.quick(SYS_setresgid, _UNCHANGED, _UNCHANGED, egid)
    _native.quick(SYS_setresuid, _UNCHANGED, _UNCHANGED, euid)
    _native.quick(SYS_prctl, _PR_SET_KEEPCAPS, 0)
    _transform_capabilities(keep=not uid or not euid, effective=not euid)
    _native.quick(SYS_prctl, prctl.PR_SET_DUMPABLE, 1)  # lost with a change of ids


def _transform_capabilities(*, keep: bool, effective: bool) -> None:
    found = capability_sets()
    _, permitted, inheritable = found
    permitted = permitted if keep else 0
    wanted = (permitted if effective else 0, permitted, inheritable)
    if wanted != found:
        set_capabilities(wanted)


def capability_sets() -> CapabilitySets:
    """Of the calling thread."""
    found = bytearray(_SETS.size)
    _native.quick(SYS_capget, bytearray(_HEADER), found)
    words = _SETS.unpack(found)
    effective, permitted, inheritable = (low | high << 32 for low, high in zip(words[:3], words[3:], strict=True))
    return effective, permitted, inheritable


def set_capabilities(sets: CapabilitySets) -> None:
    """Of the calling thread; what it may not have it does not get."""
    words = (*(word & 0xFFFF_FFFF for word in sets), *(word >> 32 for word in sets))
    _native.quick(SYS_capset, bytearray(_HEADER), _SETS.pack(*words))
