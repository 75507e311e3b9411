"""What a process may do, given up: capabilities(7), capset(2), seccomp(2), prctl(2)."""

from __future__ import annotations

import ctypes
import errno

from wirt.abi.linux import capability, prctl
from wirt.host.libc import checked, libc

__all__ = ["load_filter", "set_capabilities", "set_dumpable", "shrink_bounding_set"]

_SYS_SECCOMP = 317  # x86-64
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_SPEC_ALLOW = 1 << 2  # no slower processor for the sake of the filter: Linux 5.16's default
_MOST_CAPABILITIES = 64  # as many as two 32-bit words have room for


class _Header(ctypes.Structure):
    """struct __user_cap_header_struct, 8 bytes."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    """struct __user_cap_data_struct, 12 bytes; capset(2) takes two: numbers below 32 and from 32 on."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


class _Program(ctypes.Structure):
    """struct sock_fprog, 16 bytes."""

    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def set_capabilities(mask: int) -> None:
    """Permitted and effective become ``mask`` (bit n is capability n), the inheritable and ambient sets empty."""
    header = _Header(capability.LINUX_CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)(*(_Data(half, half, 0) for half in (mask & 0xFFFF_FFFF, mask >> 32)))
    _prctl(prctl.PR_CAP_AMBIENT, prctl.PR_CAP_AMBIENT_CLEAR_ALL)
    checked(libc.capset(ctypes.byref(header), data), "capset")


def shrink_bounding_set(mask: int) -> None:
    """Drop from the bounding set what is not in ``mask``; takes CAP_SETPCAP."""
    for number in range(_MOST_CAPABILITIES):
        if mask >> number & 1:
            continue
        try:
            _prctl(prctl.PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno == errno.EINVAL:  # the kernel knows no more
                return
            raise


def set_dumpable(*, dumpable: bool) -> None:
    """Whether there may be a core file, and whether others may look at our memory and descriptors (proc_pid(5))."""
    _prctl(prctl.PR_SET_DUMPABLE, int(dumpable))


def load_filter(program: bytes) -> None:
    """A seccomp filter (an array of struct sock_filter) for this thread and all it starts; for ever."""
    described = _Program(len(program) // 8, program)
    numbers = (_SYS_SECCOMP, _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_SPEC_ALLOW)
    checked(libc.syscall(*map(ctypes.c_long, numbers), ctypes.byref(described)), "seccomp")


def _prctl(option: int, value: int) -> None:
    checked(libc.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, (value, 0, 0, 0))), "prctl")
