"""Names of files: opening, checking, linking, renaming, removing."""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux import fcntl as f
from wirt.abi.linux import unistd as nr
from wirt.abi.linux.openat2 import RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV
from wirt.abi.linux.stat import (
    PATH_MAX,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    S_IFBLK,
    S_IFCHR,
    S_IFMT,
)
from wirt.host import _native
from wirt.sentry import namei
from wirt.sentry.buffers import granted, path
from wirt.sentry.descriptors import descriptor_or_cwd
from wirt.sentry.failures import fail
from wirt.sentry.namei import Place, refuse
from wirt.sentry.proc_nodes import Link, Node
from wirt.sentry.proc_open import accessible, open_node
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_CWD = f.AT_FDCWD & 0xFFFF_FFFF
_HOW = struct.Struct("<QQQ")
_HOW_MOST = 4096
_WALKS = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS  # what our own walk can keep to
_CREAT = f.O_CREAT | f.O_WRONLY | f.O_TRUNC


# -- open ------------------------------------------------------------------------------------------


def open_(task: Task, name: int, flags: int, mode: int) -> int:
    return openat(task, _CWD, name, flags, mode)


def creat(task: Task, name: int, mode: int) -> int:
    return openat(task, _CWD, name, _CREAT, mode)


def openat(task: Task, folder: int, name: int, flags: int, mode: int) -> int:
    flags, mode = u32(flags), u32(mode)

    def host(at: int, where: bytes) -> int:
        return granted(task, task.wait(nr.SYS_openat, at, where, flags, mode))

    follow = not flags & f.O_NOFOLLOW and flags & (f.O_CREAT | f.O_EXCL) != f.O_CREAT | f.O_EXCL
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        host,
        lambda node: open_node(task, node, flags),
        follow=follow,
    )


def openat2(task: Task, folder: int, name: int, how: int, size: int) -> int:
    """With RESOLVE_BENEATH and its like the walk is the host's alone: nothing in /proc or /sys is found then."""
    if size < _HOW.size:
        fail(errno.EINVAL)
    if size > _HOW_MOST:
        fail(errno.E2BIG)
    raw = task.mm.read(how, size)
    if any(raw[_HOW.size :]):
        fail(errno.E2BIG)
    flags, mode, resolve = _HOW.unpack_from(raw)
    where, wanted = path(task, name), raw[: _HOW.size]
    at = descriptor_or_cwd(folder)

    def host(at: int, where: bytes) -> int:
        return granted(task, task.wait(nr.SYS_openat2, at, where, wanted, _HOW.size))

    if resolve & ~_WALKS or flags >> 32 or mode >> 16:
        return host(at, where)

    def ours(node: Node) -> int:
        return open_node(task, node, flags)

    return namei.at(task, at, where, host, ours, follow=not flags & (f.O_NOFOLLOW | f.O_EXCL), resolve=resolve)


# -- access, readlink ------------------------------------------------------------------------------


def access(task: Task, name: int, mode: int) -> int:
    return faccessat(task, _CWD, name, mode)


def faccessat(task: Task, folder: int, name: int, mode: int) -> int:
    mode = s32(mode)
    if mode & ~7:
        fail(errno.EINVAL)
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_faccessat, at, where, mode),
        lambda node: accessible(task, node, mode),
    )


def faccessat2(task: Task, folder: int, name: int, mode: int, flags: int) -> int:
    mode, flags = s32(mode), u32(flags)
    if mode & ~7:
        fail(errno.EINVAL)
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_faccessat2, at, where, mode, flags),
        lambda node: accessible(task, node, mode),
        follow=not flags & f.AT_SYMLINK_NOFOLLOW,
    )


def readlink(task: Task, name: int, buf: int, size: int) -> int:
    return readlinkat(task, _CWD, name, buf, size)


def readlinkat(task: Task, folder: int, name: int, buf: int, size: int) -> int:
    size = s32(size)
    if size <= 0:
        fail(errno.EINVAL)
    size = min(size, PATH_MAX)
    held = bytearray(size)

    def ours(node: Node) -> int:
        if not isinstance(node.entry, Link):
            return -errno.EINVAL
        text = node.entry.target(task)[:size]
        held[: len(text)] = text
        return len(text)

    length = namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_readlinkat, at, where, held, size),
        ours,
        follow=False,
    )
    if length > 0:
        task.mm.write(buf, held[:length])
    return length


# -- making, removing ------------------------------------------------------------------------------


def _entry(task: Task, folder: int, name: int, refusal: int, call: namei.Host) -> int:
    """A call about a name in a folder, whatever the name stands for; ``refusal``: what is ours has that errno."""
    return namei.at(task, descriptor_or_cwd(folder), path(task, name), call, refuse(refusal), follow=False)


def mknod(task: Task, name: int, mode: int, device: int) -> int:
    return mknodat(task, _CWD, name, mode, device)


def mknodat(task: Task, folder: int, name: int, mode: int, device: int) -> int:
    """Files, pipes and sockets; devices are not for guests to make."""
    mode = u32(mode)
    if mode & S_IFMT in (S_IFCHR, S_IFBLK):
        fail(errno.EPERM)
    return _entry(task, folder, name, errno.EEXIST, lambda at, where: _native.call(nr.SYS_mknodat, at, where, mode, 0))


def unlink(task: Task, name: int) -> int:
    return unlinkat(task, _CWD, name, 0)


def unlinkat(task: Task, folder: int, name: int, flags: int) -> int:
    flags = u32(flags)
    return _entry(task, folder, name, errno.EPERM, lambda at, where: _native.call(nr.SYS_unlinkat, at, where, flags))


def symlink(task: Task, target: int, name: int) -> int:
    return symlinkat(task, target, _CWD, name)


def symlinkat(task: Task, target: int, folder: int, name: int) -> int:
    text = path(task, target)
    return _entry(task, folder, name, errno.EPERM, lambda at, where: _native.call(nr.SYS_symlinkat, text, at, where))


def truncate(task: Task, name: int, length: int) -> int:
    def host(where: bytes) -> int:
        with task.process.lock:
            task.mm.shorten(where, length)
        return task.wait(nr.SYS_truncate, where, length)

    return namei.by_path(
        task,
        path(task, name),
        host,
        lambda fd: _native.call(nr.SYS_ftruncate, fd, length),
        refuse(errno.EACCES),
        flags=f.O_WRONLY | f.O_NONBLOCK,
    )


# -- two names -------------------------------------------------------------------------------------


def link(task: Task, old: int, new: int) -> int:
    return linkat(task, _CWD, old, _CWD, new, 0)


def linkat(task: Task, folder: int, old: int, other: int, new: int, flags: int) -> int:
    flags = u32(flags)
    source = _place(task, folder, old, follow=bool(flags & f.AT_SYMLINK_FOLLOW))
    target = _place(task, other, new)
    return _native.call(nr.SYS_linkat, source.at, source.path, target.at, target.path, flags)


def rename(task: Task, old: int, new: int) -> int:
    return renameat2(task, _CWD, old, _CWD, new, 0)


def renameat(task: Task, folder: int, old: int, other: int, new: int) -> int:
    return renameat2(task, folder, old, other, new, 0)


def renameat2(task: Task, folder: int, old: int, other: int, new: int, flags: int) -> int:
    """RENAME_WHITEOUT leaves a device behind, which no guest can make."""
    flags = u32(flags)
    if flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE):
        fail(errno.EINVAL)
    source, target = _place(task, folder, old), _place(task, other, new)
    return _native.call(nr.SYS_renameat2, source.at, source.path, target.at, target.path, flags)


def _place(task: Task, folder: int, name: int, *, follow: bool = False) -> Place:
    """Where the host finds it; EPERM for what is ours."""
    return namei.place_of(task, descriptor_or_cwd(folder), path(task, name), follow=follow, refusal=errno.EPERM)


def refused(task: Task) -> int:
    return -errno.EOPNOTSUPP


CALLS = (
    Call(2, "open", open_, "path flags:open mode"),
    Call(21, "access", access, "path mode"),
    Call(76, "truncate", truncate, "path off"),
    Call(82, "rename", rename, "path path"),
    Call(85, "creat", creat, "path mode"),
    Call(86, "link", link, "path path"),
    Call(87, "unlink", unlink, "path"),
    Call(88, "symlink", symlink, "path path"),
    Call(89, "readlink", readlink, "path buf size"),
    Call(133, "mknod", mknod, "path mode int", Support.PARTIAL, "no devices: EPERM"),
    Call(257, "openat", openat, "at path flags:open mode"),
    Call(259, "mknodat", mknodat, "at path mode int", Support.PARTIAL, "no devices: EPERM"),
    Call(263, "unlinkat", unlinkat, "at path int"),
    Call(264, "renameat", renameat, "at path at path"),
    Call(265, "linkat", linkat, "at path at path int"),
    Call(266, "symlinkat", symlinkat, "path at path"),
    Call(267, "readlinkat", readlinkat, "at path buf size"),
    Call(269, "faccessat", faccessat, "at path mode"),
    Call(303, "name_to_handle_at", refused, "", Support.NONE, "EOPNOTSUPP"),
    Call(316, "renameat2", renameat2, "at path at path int", Support.PARTIAL, "no RENAME_WHITEOUT"),
    Call(
        437,
        "openat2",
        openat2,
        "at path ptr size",
        Support.PARTIAL,
        "RESOLVE_BENEATH and IN_ROOT not in /proc",
    ),
    Call(439, "faccessat2", faccessat2, "at path mode int"),
)
