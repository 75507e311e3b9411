"""What a process may do, given up: capabilities(7), capset(2), seccomp(2), prctl(2). x86-64 only."""

from __future__ import annotations

import errno
import os
import struct

from wirt.abi.linux import capability, prctl
from wirt.abi.linux.unistd import SYS_capset, SYS_prctl, SYS_seccomp
from wirt.host import _native

__all__ = ["load_filter", "set_capabilities", "set_dumpable", "shrink_bounding_set"]

_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2  # no slower processor for the sake of the filter: Linux 5.16's default
_MOST_CAPABILITIES = 64  # as many as two 32-bit words have room for

_HEADER = struct.Struct("=Ii")  # struct __user_cap_header_struct: version, pid
_DATA = struct.Struct("=6I")  # struct __user_cap_data_struct, twice: effective, permitted, inheritable
_PROGRAM = struct.Struct("=H6xQ")  # struct sock_fprog: length in instructions, address


def set_capabilities(mask: int) -> None:
    """Permitted and effective become ``mask`` (bit n is capability n), the inheritable and ambient sets empty."""
    low, high = mask & 0xFFFF_FFFF, mask >> 32
    header, data = _HEADER.pack(capability.LINUX_CAPABILITY_VERSION_3, 0), _DATA.pack(low, low, 0, high, high, 0)
    _prctl(prctl.PR_CAP_AMBIENT, prctl.PR_CAP_AMBIENT_CLEAR_ALL)
    _checked(_native.quick(SYS_capset, header, data), "capset")


def shrink_bounding_set(mask: int) -> None:
    """Drop from the bounding set what is not in ``mask``; takes CAP_SETPCAP."""
    for number in range(_MOST_CAPABILITIES):
        if mask >> number & 1:
            continue
        result = _native.quick(SYS_prctl, prctl.PR_CAPBSET_DROP, number)
        if result == -errno.EINVAL:  # the kernel knows no more
            return
        _checked(result, "prctl")


def set_dumpable(*, dumpable: bool) -> None:
    """Whether there may be a core file, and whether others may look at our memory and descriptors (proc_pid(5))."""
    _prctl(prctl.PR_SET_DUMPABLE, int(dumpable))


def load_filter(program: bytes) -> None:
    """A seccomp filter (an array of struct sock_filter) for this thread and all it starts; for ever."""
    described = _PROGRAM.pack(len(program) // 8, _native.address_of(program))
    how = (_SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW)
    _checked(_native.quick(SYS_seccomp, *how, described), "seccomp")


def _prctl(option: int, value: int) -> None:
    _checked(_native.quick(SYS_prctl, option, value), "prctl")


def _checked(result: int, call: str) -> None:
    if result < 0:
        raise OSError(-result, f"{call}: {os.strerror(-result)}")
