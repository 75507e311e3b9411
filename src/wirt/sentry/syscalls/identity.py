"""Who a process is: ids, groups, sessions, capabilities, the system's name.

All are the host's own: the guest lives in namespaces of its own, and its threads are host threads, so a raw set*id call
changes the calling thread alone, and the guest's libc makes it known to the others by signal, as on Linux.
"""

from __future__ import annotations

import errno

from wirt.abi.linux.unistd import (
    SYS_capget,
    SYS_capset,
    SYS_getgroups,
    SYS_getresgid,
    SYS_getresuid,
    SYS_setgroups,
    SYS_uname,
)
from wirt.host import _native
from wirt.sentry import lives
from wirt.sentry.answers import passed
from wirt.sentry.failures import fail
from wirt.sentry.table import Call, Handler, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_UTSNAME_SIZE = 390
_NGROUPS_MAX = 65536
_CAP_HEADER, _CAP_DATA = 8, 24
_CAPABILITY_VERSION_1 = 0x19980330
_PERSONALITY = 0x0040000 | 0x1000000 | 0x2000000  # ADDR_NO_RANDOMIZE, SHORT_INODE, WHOLE_SECONDS
_QUERY = 0xFFFF_FFFF


def _told(number: int) -> Handler:
    """A host call that changes ids: the function library answers questions about them by itself, and must know."""

    def handler(task: Task, *words: int) -> int:
        result = _native.quick(number, *words)
        lives.tell_vcpu(task)
        return result

    return handler


def _three(number: int) -> Handler:
    """getresuid(2) and its sibling."""

    def handler(task: Task, *addresses: int) -> int:
        real, effective, saved = bytearray(4), bytearray(4), bytearray(4)
        _native.quick(number, real, effective, saved)
        for address, value in zip(addresses, (real, effective, saved), strict=True):
            task.mm.write(address, value)
        return 0

    return handler


def getgroups(task: Task, count: int, address: int) -> int:
    count = s32(count)
    if count < 0:
        fail(errno.EINVAL)
    if not count:
        return _native.quick(SYS_getgroups, 0, 0)
    groups = bytearray(4 * min(count, _NGROUPS_MAX))
    result = _native.quick(SYS_getgroups, len(groups) // 4, groups)
    if result > 0:
        task.mm.write(address, groups[: 4 * result])
    return result


def setgroups(task: Task, count: int, address: int) -> int:
    count = u32(count)
    if count > _NGROUPS_MAX:
        fail(errno.EINVAL)
    return _native.quick(SYS_setgroups, count, task.mm.read(address, 4 * count) if count else 0)


# -- capabilities ----------------------------------------------------------------------------------------


def _cap_size(header: bytearray) -> int:
    return 12 if int.from_bytes(header[:4], "little") == _CAPABILITY_VERSION_1 else _CAP_DATA


def capget(task: Task, header: int, data: int) -> int:
    before = task.mm.read(header, _CAP_HEADER)
    asked, answer = bytearray(before), bytearray(_CAP_DATA)
    size = _cap_size(asked)
    result = _native.quick(SYS_capget, asked, answer if data else 0)
    if asked != before:  # the kernel says which version it wants
        task.mm.write(header, asked)
    if result == 0 and data:
        task.mm.write(data, answer[:size])
    return result


def capset(task: Task, header: int, data: int) -> int:
    asked = bytearray(task.mm.read(header, _CAP_HEADER))
    wanted = task.mm.read(data, _cap_size(asked)).ljust(_CAP_DATA, b"\0")
    result = _native.quick(SYS_capset, asked, wanted)
    if result == -errno.EINVAL:
        task.mm.write(header, asked)
    return result


# -- the system ------------------------------------------------------------------------------------------


def uname(task: Task, address: int) -> int:
    """struct new_utsname. The name is that of the guest's own namespace; the release is the host kernel's."""
    names = bytearray(_UTSNAME_SIZE)
    _native.quick(SYS_uname, names)
    task.mm.write(address, names)
    return 0


def personality(task: Task, wanted: int) -> int:
    wanted, process = u32(wanted), task.process
    if wanted != _QUERY and wanted & ~_PERSONALITY:
        fail(errno.EINVAL)
    old = process.personality
    if wanted != _QUERY:
        process.personality = wanted
    return old


CALLS = (
    Call(39, "getpid", passed(39)),
    Call(63, "uname", uname, "ptr", note="the release is the host kernel's"),
    Call(95, "umask", passed(95), "mode"),
    Call(102, "getuid", passed(102)),
    Call(104, "getgid", passed(104)),
    Call(105, "setuid", _told(105), "int"),
    Call(106, "setgid", _told(106), "int"),
    Call(107, "geteuid", passed(107)),
    Call(108, "getegid", passed(108)),
    Call(109, "setpgid", passed(109), "pid pid"),
    Call(110, "getppid", passed(110)),
    Call(111, "getpgrp", passed(111)),
    Call(112, "setsid", passed(112)),
    Call(113, "setreuid", _told(113), "int int"),
    Call(114, "setregid", _told(114), "int int"),
    Call(115, "getgroups", getgroups, "int ptr"),
    Call(116, "setgroups", setgroups, "int ptr"),
    Call(117, "setresuid", _told(117), "int int int"),
    Call(118, "getresuid", _three(SYS_getresuid), "ptr ptr ptr"),
    Call(119, "setresgid", _told(119), "int int int"),
    Call(120, "getresgid", _three(SYS_getresgid), "ptr ptr ptr"),
    Call(121, "getpgid", passed(121), "pid"),
    Call(122, "setfsuid", passed(122), "int"),
    Call(123, "setfsgid", passed(123), "int"),
    Call(124, "getsid", passed(124), "pid"),
    Call(125, "capget", capget, "ptr ptr", note="what the jail has left, which is the truth"),
    Call(126, "capset", capset, "ptr ptr"),
    Call(135, "personality", personality, "int", Support.PARTIAL, "remembered; addresses stay random"),
    Call(186, "gettid", passed(186)),
)
