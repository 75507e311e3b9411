"""Folders: making, removing, listing, working in them."""

from __future__ import annotations

import errno
import os

from wirt.abi.linux import fcntl as f
from wirt.abi.linux import unistd as nr
from wirt.host import _native
from wirt.sentry import namei
from wirt.sentry.buffers import path
from wirt.sentry.descriptors import descriptor, descriptor_or_cwd
from wirt.sentry.failures import fail
from wirt.sentry.namei import refuse
from wirt.sentry.proc_nodes import Folder, Node
from wirt.sentry.proc_open import listing
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

_CWD = f.AT_FDCWD & 0xFFFF_FFFF
_SEEK_SET, _SEEK_CUR = 0, 1
_LIST_MOST = 1 << 20  # bytes that one call lists
_PATH_MAX = 4096


def mkdir(task: Task, name: int, mode: int) -> int:
    return mkdirat(task, _CWD, name, mode)


def mkdirat(task: Task, folder: int, name: int, mode: int) -> int:
    mode = u32(mode)
    return namei.at(
        task,
        descriptor_or_cwd(folder),
        path(task, name),
        lambda at, where: _native.call(nr.SYS_mkdirat, at, where, mode),
        refuse(errno.EEXIST),
        follow=False,
    )


def rmdir(task: Task, name: int) -> int:
    return namei.at(
        task,
        f.AT_FDCWD,
        path(task, name),
        lambda at, where: _native.call(nr.SYS_unlinkat, at, where, f.AT_REMOVEDIR),
        refuse(errno.EPERM),
        follow=False,
    )


# -- listing ---------------------------------------------------------------------------------------


def getdents(task: Task, fd: int, buf: int, count: int) -> int:
    return _list(task, nr.SYS_getdents, fd, buf, count)


def getdents64(task: Task, fd: int, buf: int, count: int) -> int:
    return _list(task, nr.SYS_getdents64, fd, buf, count)


def _list(task: Task, number: int, fd: int, buf: int, count: int) -> int:
    fd, count = descriptor(fd), min(u32(count), _LIST_MOST)
    node = task.process.special.get(fd)
    if node is not None:
        return _list_ours(task, node, number, fd, buf, count)
    try:
        return _native.call(number, fd, task.mm.host(buf, count, True) if count else 0, count)
    except OSError:
        held = bytearray(sum(length for _, length in task.mm.segments(buf, count, True)))
    result = _native.call(number, fd, held, len(held))
    if result > 0:
        task.mm.write(buf, held[:result])
    return result


def _list_ours(task: Task, node: Node, number: int, fd: int, buf: int, count: int) -> int:
    """The position is the host descriptor's, so that duplicates and children share it."""
    start = _native.quick(nr.SYS_lseek, fd, 0, _SEEK_CUR)
    if start < 0:
        return start
    data, position = listing(task, node, start, count, old=number == nr.SYS_getdents)
    task.mm.write(buf, data)
    _native.quick(nr.SYS_lseek, fd, position, _SEEK_SET)
    return len(data)


# -- the working directory, the root ---------------------------------------------------------------


def getcwd(task: Task, buf: int, size: int) -> int:
    held = bytearray(_PATH_MAX)
    here = task.process.virtual_cwd
    if here:
        length = len(here) + 1
        held[: len(here)] = here
    else:
        length = _native.call(nr.SYS_getcwd, held, _PATH_MAX)
    if length < 0:
        return length
    if length > size:
        fail(errno.ERANGE)
    task.mm.write(buf, held[:length])
    return length


def chdir(task: Task, name: int) -> int:
    return namei.by_path(
        task,
        path(task, name),
        lambda where: _moved(task, _native.call(nr.SYS_chdir, where)),
        lambda fd: _moved(task, _native.call(nr.SYS_fchdir, fd)),
        lambda node: _move_into(task, node),
    )


def fchdir(task: Task, fd: int) -> int:
    fd = descriptor(fd)
    result = _native.call(nr.SYS_fchdir, fd)
    node = task.process.special.get(fd)
    return _moved(task, result, node.path if node is not None else b"")


def _moved(task: Task, result: int, where: bytes = b"") -> int:
    if result >= 0:
        task.process.virtual_cwd = where
    return result


def _move_into(task: Task, node: Node) -> int:
    """The host's working directory is then the folder that it all stands on."""
    if not isinstance(node.entry, Folder):
        return -errno.ENOTDIR
    root = b"/sys" if node.path.startswith(b"/sys") else b"/proc"
    result = _native.call(nr.SYS_chdir, root)
    if result < 0:
        result = _native.call(nr.SYS_chdir, b"/")
    return _moved(task, result, node.path)


def chroot(task: Task, name: int) -> int:
    """Takes CAP_SYS_CHROOT in the guest's user namespace. In another root there is no /proc: nobody can mount one."""

    def change(number: int, where: int | bytes) -> int:
        before = os.stat("/")
        result = _native.call(number, where)
        if result >= 0 and not os.path.samestat(before, os.stat("/")):
            task.process.own_root = False
        return result

    return namei.by_path(
        task, path(task, name), lambda where: change(nr.SYS_chroot, where), _refuse_descriptor, refuse(errno.EPERM)
    )


def _refuse_descriptor(_fd: int) -> int:
    return -errno.EPERM


CALLS = (
    Call(78, "getdents", getdents, "fd out size"),
    Call(79, "getcwd", getcwd, "out size"),
    Call(80, "chdir", chdir, "path"),
    Call(81, "fchdir", fchdir, "fd"),
    Call(83, "mkdir", mkdir, "path mode"),
    Call(84, "rmdir", rmdir, "path"),
    Call(161, "chroot", chroot, "path", note="takes CAP_SYS_CHROOT; without /proc and /sys afterwards"),
    Call(217, "getdents64", getdents64, "fd out size"),
    Call(258, "mkdirat", mkdirat, "at path mode"),
)
