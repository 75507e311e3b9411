"""Kicks that are pending: those of other threads only interrupt; what other processes send carries a message."""

from __future__ import annotations

import os
import struct

from wirt.abi.linux import unistd
from wirt.host import _native
from wirt.vmm.platform import KICK

__all__ = ["take_kick"]

_SET = struct.pack("<Q", 1 << KICK - 1)
_NOW = bytes(16)
_SIGINFO = 128
_CODE = struct.Struct("<8xi")
_SI_TKILL = -6


def take_kick(tid: int) -> bool:
    """Take a kick of another thread's if one is pending for this thread, ``tid``.

    True for one with a message, which stays pending for whoever knows what it means.
    """
    info = bytearray(_SIGINFO)
    if _native.quick(unistd.SYS_rt_sigtimedwait, _SET, info, _NOW, len(_SET)) != KICK:
        return False
    if _CODE.unpack_from(info)[0] == _SI_TKILL:
        return False
    _native.quick(unistd.SYS_rt_tgsigqueueinfo, os.getpid(), tid, KICK, info)
    return True
