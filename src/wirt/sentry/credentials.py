"""What execve(2) does to a process's credentials: no host program is executed, so the host kernel does not do it."""

from __future__ import annotations

import os
import struct

from wirt.abi.linux import capability, prctl
from wirt.abi.linux.unistd import SYS_capget, SYS_capset, SYS_prctl, SYS_setresgid, SYS_setresuid
from wirt.host import _native

__all__ = ["renew"]

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
    found = bytearray(_SETS.size)
    _native.quick(SYS_capget, bytearray(_HEADER), found)
    _, permitted, inheritable, _, permitted_high, inheritable_high = _SETS.unpack(found)
    low, high = (permitted, permitted_high) if keep else (0, 0)
    now, now_high = (low, high) if effective else (0, 0)
    wanted = _SETS.pack(now, low, inheritable, now_high, high, inheritable_high)
    if wanted != found:
        _native.quick(SYS_capset, bytearray(_HEADER), wanted)
