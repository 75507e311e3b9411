"""What is known of a file beside its contents: stat, modes, owners, times, extended attributes, its file system."""

from __future__ import annotations

import errno
from collections.abc import Callable

from wirt.abi.linux import fcntl as f
from wirt.abi.linux import unistd as nr
from wirt.abi.linux.stat import (
    STAT_SIZE,
    STATFS_SIZE,
    STATX_SIZE,
    TIMESPEC,
    UTIME_OMIT,
    XATTR_LIST_MAX,
    XATTR_NAME_MAX,
    XATTR_SIZE_MAX,
)
from wirt.host import _native
from wirt.sentry import namei
from wirt.sentry.buffers import path
from wirt.sentry.descriptors import descriptor, descriptor_or_cwd
from wirt.sentry.failures import fail
from wirt.sentry.mm import AddressSpace
from wirt.sentry.namei import refuse
from wirt.sentry.proc_nodes import Node
from wirt.sentry.proc_open import encode_stat, encode_statfs, encode_statx
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

_CWD = f.AT_FDCWD & 0xFFFF_FFFF
_MICRO = 1_000_000
_XATTR_READ = f.O_RDONLY | f.O_NONBLOCK  # fgetxattr(2) and its like do not take O_PATH


# -- stat ------------------------------------------------------------------------------------------


def stat(task: Task, name: int, buf: int) -> int:
    return _stat(task, f.AT_FDCWD, path(task, name), buf, 0)


def lstat(task: Task, name: int, buf: int) -> int:
    return _stat(task, f.AT_FDCWD, path(task, name), buf, f.AT_SYMLINK_NOFOLLOW)


def fstat(task: Task, fd: int, buf: int) -> int:
    fd = descriptor(fd)
    node = task.process.special.get(fd)
    if node is not None:
        task.mm.write(buf, encode_stat(task, node))
        return 0
    held = bytearray(STAT_SIZE)
    result = _native.quick(nr.SYS_fstat, fd, held)
    if result >= 0:
        task.mm.write(buf, held)
    return result


def newfstatat(task: Task, folder: int, name: int, buf: int, flags: int) -> int:
    flags = u32(flags)
    at = descriptor_or_cwd(folder)
    where = b"" if flags & f.AT_EMPTY_PATH and not name else path(task, name)
    if not where and flags & f.AT_EMPTY_PATH and at >= 0:
        return fstat(task, at, buf)
    return _stat(task, at, where, buf, flags)


def _stat(task: Task, at: int, where: bytes, buf: int, flags: int) -> int:
    held = bytearray(STAT_SIZE)

    def ours(node: Node) -> int:
        held[:] = encode_stat(task, node)
        return 0

    result = namei.at(
        task,
        at,
        where,
        lambda folder, name: _native.call(nr.SYS_newfstatat, folder, name, held, flags),
        ours,
        follow=not flags & f.AT_SYMLINK_NOFOLLOW,
    )
    if result >= 0:
        task.mm.write(buf, held)
    return result


def statx(task: Task, folder: int, name: int, flags: int, mask: int, buf: int) -> int:
    flags, mask = u32(flags), u32(mask)
    at = descriptor_or_cwd(folder)
    where = b"" if flags & f.AT_EMPTY_PATH and not name else path(task, name)
    held = bytearray(STATX_SIZE)

    def ours(node: Node) -> int:
        held[:] = encode_statx(task, node)
        return 0

    special = task.process.special.get(at) if not where and flags & f.AT_EMPTY_PATH else None
    if special is not None:
        result = ours(special)
    else:
        result = namei.at(
            task,
            at,
            where,
            lambda at, name: _native.call(nr.SYS_statx, at, name, flags, mask, held),
            ours,
            follow=not flags & f.AT_SYMLINK_NOFOLLOW,
        )
    if result >= 0:
        task.mm.write(buf, held)
    return result


# -- modes and owners ------------------------------------------------------------------------------


def chmod(task: Task, name: int, mode: int) -> int:
    return fchmodat(task, _CWD, name, mode)


def fchmod(task: Task, fd: int, mode: int) -> int:
    fd = descriptor(fd)
    if fd in task.process.special:
        fail(errno.EPERM)
    return _native.call(nr.SYS_fchmod, fd, u32(mode))


def fchmodat(task: Task, folder: int, name: int, mode: int) -> int:
    mode = u32(mode)
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_fchmodat, at, where, mode),
        refuse(errno.EPERM),
    )


def fchmodat2(task: Task, folder: int, name: int, mode: int, flags: int) -> int:
    mode, flags = u32(mode), u32(flags)
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_fchmodat2, at, where, mode, flags),
        refuse(errno.EPERM),
        follow=not flags & f.AT_SYMLINK_NOFOLLOW,
    )


def chown(task: Task, name: int, user: int, group: int) -> int:
    return fchownat(task, _CWD, name, user, group, 0)


def lchown(task: Task, name: int, user: int, group: int) -> int:
    return fchownat(task, _CWD, name, user, group, f.AT_SYMLINK_NOFOLLOW)


def fchown(task: Task, fd: int, user: int, group: int) -> int:
    fd = descriptor(fd)
    if fd in task.process.special:
        fail(errno.EPERM)
    return _native.call(nr.SYS_fchown, fd, u32(user), u32(group))


def fchownat(task: Task, folder: int, name: int, user: int, group: int, flags: int) -> int:
    user, group, flags = u32(user), u32(group), u32(flags)
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_fchownat, at, where, user, group, flags),
        refuse(errno.EPERM),
        follow=not flags & f.AT_SYMLINK_NOFOLLOW,
    )


# -- times -----------------------------------------------------------------------------------------


def utime(task: Task, name: int, times: int) -> int:
    """struct utimbuf: two times in seconds."""
    given: int | bytes = 0
    if times:
        access, change = (int.from_bytes(task.mm.read(times + at, 8), "little", signed=True) for at in (0, 8))
        given = TIMESPEC.pack(access, 0) + TIMESPEC.pack(change, 0)
    return _set_times(task, f.AT_FDCWD, path(task, name), given, 0)


def utimes(task: Task, name: int, times: int) -> int:
    return futimesat(task, _CWD, name, times)


def futimesat(task: Task, folder: int, name: int, times: int) -> int:
    """Two struct timeval; a folder's descriptor without a name is what is meant itself."""
    given = _from_microseconds(task.mm, times) if times else 0
    at = descriptor_or_cwd(folder)
    if not name:
        return _set_own_times(at, given, 0)
    return _set_times(task, at, path(task, name), given, 0)


def utimensat(task: Task, folder: int, name: int, times: int, flags: int) -> int:
    given = task.mm.read(times, 2 * TIMESPEC.size) if times else 0
    at, flags = descriptor_or_cwd(folder), u32(flags)
    if isinstance(given, bytes) and all(part == UTIME_OMIT for _, part in TIMESPEC.iter_unpack(given)):
        return 0
    if not name:
        return _set_own_times(at, given, flags)
    return _set_times(task, at, path(task, name), given, flags)


def _set_own_times(at: int, times: int | bytes, flags: int) -> int:
    if at == f.AT_FDCWD:
        fail(errno.EFAULT)
    return _native.call(nr.SYS_utimensat, at, 0, times, flags)


def _set_times(task: Task, at: int, where: bytes, times: int | bytes, flags: int) -> int:
    return namei.at(
        task,
        at,
        where,
        lambda folder, name: _native.call(nr.SYS_utimensat, folder, name, times, flags),
        refuse(errno.EPERM),
        follow=not flags & f.AT_SYMLINK_NOFOLLOW,
    )


def _from_microseconds(mm: AddressSpace, times: int) -> bytes:
    pairs = list(TIMESPEC.iter_unpack(mm.read(times, 2 * TIMESPEC.size)))
    if any(not 0 <= part < _MICRO for _, part in pairs):
        fail(errno.EINVAL)
    return b"".join(TIMESPEC.pack(seconds, part * 1000) for seconds, part in pairs)


# -- file systems ----------------------------------------------------------------------------------


def statfs(task: Task, name: int, buf: int) -> int:
    held = bytearray(STATFS_SIZE)

    def ours(node: Node) -> int:
        held[:] = encode_statfs(node)
        return 0

    result = namei.by_path(
        task,
        path(task, name),
        lambda where: _native.call(nr.SYS_statfs, where, held),
        lambda fd: _native.call(nr.SYS_fstatfs, fd, held),
        ours,
    )
    if result >= 0:
        task.mm.write(buf, held)
    return result


def fstatfs(task: Task, fd: int, buf: int) -> int:
    fd = descriptor(fd)
    node = task.process.special.get(fd)
    if node is not None:
        task.mm.write(buf, encode_statfs(node))
        return 0
    held = bytearray(STATFS_SIZE)
    result = _native.call(nr.SYS_fstatfs, fd, held)
    if result >= 0:
        task.mm.write(buf, held)
    return result


# -- extended attributes ---------------------------------------------------------------------------


def _attribute(task: Task, name: int) -> bytes:
    """The name of an attribute: ERANGE when it is empty or too long."""
    try:
        text = task.mm.string(name, XATTR_NAME_MAX + 1)
    except OSError as error:
        fail(errno.ERANGE if error.errno == errno.ENAMETOOLONG else errno.EFAULT)
    return text or fail(errno.ERANGE)


def _on(
    task: Task, numbers: tuple[int, int, int], name: int, *rest: int | bytes | bytearray, follow: bool = True
) -> int:
    """``numbers``: the call on a path, on a path that ends in a link, on a descriptor."""
    plain, on_link, on_descriptor = numbers
    number = plain if follow else on_link
    return namei.by_path(
        task,
        path(task, name),
        lambda where: _native.call(number, where, *rest),
        lambda fd: _native.call(on_descriptor, fd, *rest),
        refuse(errno.EOPNOTSUPP),
        follow=follow,
        flags=_XATTR_READ,
    )


_SET = (nr.SYS_setxattr, nr.SYS_lsetxattr, nr.SYS_fsetxattr)
_GET = (nr.SYS_getxattr, nr.SYS_lgetxattr, nr.SYS_fgetxattr)
_LIST = (nr.SYS_listxattr, nr.SYS_llistxattr, nr.SYS_flistxattr)
_REMOVE = (nr.SYS_removexattr, nr.SYS_lremovexattr, nr.SYS_fremovexattr)


def _value(task: Task, value: int, size: int) -> bytes:
    if size > XATTR_SIZE_MAX:
        fail(errno.E2BIG)
    return task.mm.read(value, size) if size else b""


def setxattr(task: Task, name: int, attribute: int, value: int, size: int, flags: int) -> int:
    return _on(task, _SET, name, _attribute(task, attribute), _value(task, value, size), size, u32(flags))


def lsetxattr(task: Task, name: int, attribute: int, value: int, size: int, flags: int) -> int:
    text, data = _attribute(task, attribute), _value(task, value, size)
    return _on(task, _SET, name, text, data, size, u32(flags), follow=False)


def fsetxattr(task: Task, fd: int, attribute: int, value: int, size: int, flags: int) -> int:
    text, data = _attribute(task, attribute), _value(task, value, size)
    return _native.call(nr.SYS_fsetxattr, descriptor(fd), text, data, size, u32(flags))


def _filled(task: Task, address: int, size: int, most: int, call: Callable[[bytearray, int], int]) -> int:
    """A size of 0 asks how much there is."""
    size = min(size, most)
    held = bytearray(size)
    result = call(held, size)
    if result > 0 and size:
        task.mm.write(address, held[:result])
    return result


def getxattr(task: Task, name: int, attribute: int, value: int, size: int) -> int:
    text = _attribute(task, attribute)
    return _filled(task, value, size, XATTR_SIZE_MAX, lambda held, room: _on(task, _GET, name, text, held, room))


def lgetxattr(task: Task, name: int, attribute: int, value: int, size: int) -> int:
    text = _attribute(task, attribute)

    def get(held: bytearray, room: int) -> int:
        return _on(task, _GET, name, text, held, room, follow=False)

    return _filled(task, value, size, XATTR_SIZE_MAX, get)


def fgetxattr(task: Task, fd: int, attribute: int, value: int, size: int) -> int:
    text, fd = _attribute(task, attribute), descriptor(fd)

    def get(held: bytearray, room: int) -> int:
        return _native.call(nr.SYS_fgetxattr, fd, text, held, room)

    return _filled(task, value, size, XATTR_SIZE_MAX, get)


def listxattr(task: Task, name: int, names: int, size: int) -> int:
    return _filled(task, names, size, XATTR_LIST_MAX, lambda held, room: _on(task, _LIST, name, held, room))


def llistxattr(task: Task, name: int, names: int, size: int) -> int:
    def get(held: bytearray, room: int) -> int:
        return _on(task, _LIST, name, held, room, follow=False)

    return _filled(task, names, size, XATTR_LIST_MAX, get)


def flistxattr(task: Task, fd: int, names: int, size: int) -> int:
    fd = descriptor(fd)

    def get(held: bytearray, room: int) -> int:
        return _native.call(nr.SYS_flistxattr, fd, held, room)

    return _filled(task, names, size, XATTR_LIST_MAX, get)


def removexattr(task: Task, name: int, attribute: int) -> int:
    return _on(task, _REMOVE, name, _attribute(task, attribute))


def lremovexattr(task: Task, name: int, attribute: int) -> int:
    return _on(task, _REMOVE, name, _attribute(task, attribute), follow=False)


def fremovexattr(task: Task, fd: int, attribute: int) -> int:
    return _native.call(nr.SYS_fremovexattr, descriptor(fd), _attribute(task, attribute))


CALLS = (
    Call(4, "stat", stat, "path out"),
    Call(5, "fstat", fstat, "fd out"),
    Call(6, "lstat", lstat, "path out"),
    Call(90, "chmod", chmod, "path mode"),
    Call(91, "fchmod", fchmod, "fd mode"),
    Call(92, "chown", chown, "path int int"),
    Call(93, "fchown", fchown, "fd int int"),
    Call(94, "lchown", lchown, "path int int"),
    Call(132, "utime", utime, "path ptr"),
    Call(137, "statfs", statfs, "path out"),
    Call(138, "fstatfs", fstatfs, "fd out"),
    Call(188, "setxattr", setxattr, "path path ptr size int"),
    Call(189, "lsetxattr", lsetxattr, "path path ptr size int"),
    Call(190, "fsetxattr", fsetxattr, "fd path ptr size int"),
    Call(191, "getxattr", getxattr, "path path out size"),
    Call(192, "lgetxattr", lgetxattr, "path path out size"),
    Call(193, "fgetxattr", fgetxattr, "fd path out size"),
    Call(194, "listxattr", listxattr, "path out size"),
    Call(195, "llistxattr", llistxattr, "path out size"),
    Call(196, "flistxattr", flistxattr, "fd out size"),
    Call(197, "removexattr", removexattr, "path path"),
    Call(198, "lremovexattr", lremovexattr, "path path"),
    Call(199, "fremovexattr", fremovexattr, "fd path"),
    Call(235, "utimes", utimes, "path ptr"),
    Call(260, "fchownat", fchownat, "at path int int int"),
    Call(261, "futimesat", futimesat, "at path ptr"),
    Call(262, "newfstatat", newfstatat, "at path out int"),
    Call(268, "fchmodat", fchmodat, "at path mode"),
    Call(280, "utimensat", utimensat, "at path ptr int"),
    Call(332, "statx", statx, "at path int int out"),
    Call(452, "fchmodat2", fchmodat2, "at path mode int"),
)
