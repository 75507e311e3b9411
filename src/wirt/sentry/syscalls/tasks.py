"""Processes and threads: clone and its family, execve, exit, wait."""

from __future__ import annotations

import errno
import os

from wirt.abi.linux.unistd import SYS_prctl, SYS_wait4, SYS_waitid
from wirt.host import _native
from wirt.sentry import lives
from wirt.sentry.buffers import is_open
from wirt.sentry.descriptors import descriptor_or_cwd
from wirt.sentry.exec import find, name_at, room_for_strings
from wirt.sentry.failures import fail
from wirt.sentry.lives import CloneWish
from wirt.sentry.namei import Place, place_of
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND = 0x100, 0x200, 0x400, 0x800
CLONE_PIDFD, CLONE_PTRACE, CLONE_VFORK, CLONE_PARENT = 0x1000, 0x2000, 0x4000, 0x8000
CLONE_THREAD, CLONE_SYSVSEM, CLONE_SETTLS = 0x10000, 0x40000, 0x80000
CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID = 0x100000, 0x200000, 0x1000000
CLONE_DETACHED, CLONE_UNTRACED, CLONE_IO, CLONE_CLEAR_SIGHAND = 0x400000, 0x800000, 0x80000000, 0x100000000
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
_NAMESPACES = 0x7E020080  # CLONE_NEW*
_CSIGNAL = 0xFF
_THREAD = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD
_CLONE_ARGS_LEAST, _CLONE_ARGS_MOST = 64, 88
_SIGCHLD, _OWN_SIGNAL = 17, 64  # the latter is the monitor's

_ARCH_SET_GS, _ARCH_SET_FS, _ARCH_GET_FS, _ARCH_GET_GS = 0x1001, 0x1002, 0x1003, 0x1004
_MAX_ARGUMENTS = 1 << 17
_MAX_ARGUMENT = 1 << 17  # bytes of one, with its NUL (execve(2), MAX_ARG_STRLEN)
_USER_TOP = 0x7FFF_FFFF_F000

# prctl(2) options that the host's own answer is right for; their arguments are numbers
_PRCTL_PLAIN = frozenset((3, 4, 7, 8, 23, 24, 27, 28, 29, 30, 36, 38, 39, 41, 42, 47))
_PR_SET_PDEATHSIG, _PR_GET_PDEATHSIG, _PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 1, 2, 3, 4
_PR_SET_NAME, _PR_GET_NAME, _PR_GET_SECCOMP, _PR_SET_SECCOMP = 15, 16, 21, 22
_PR_CAPBSET_READ, _PR_SET_SECUREBITS, _PR_GET_TIMERSLACK, _PR_SET_TIMERSLACK = 23, 28, 30, 29
_PR_SET_CHILD_SUBREAPER, _PR_GET_CHILD_SUBREAPER = 36, 37
_PR_GET_TSC, _PR_SET_TSC, _PR_TSC_ENABLE = 25, 26, 1
_PR_GET_TID_ADDRESS, _PR_SET_MM, _PR_SET_VMA = 40, 35, 0x53564D41


def fork(task: Task) -> int | None:
    return lives.fork(task, CloneWish(exit_signal=_SIGCHLD))


def vfork(task: Task) -> int | None:
    return lives.fork(task, CloneWish(exit_signal=_SIGCHLD, waits=True))


def clone(task: Task, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int) -> int | None:
    return _clone(task, flags & 0xFFFF_FFFF & ~_CSIGNAL, flags & _CSIGNAL, stack, parent_tid, child_tid, tls, 0)


def clone3(task: Task, address: int, size: int) -> int | None:
    """struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid ..."""
    if size > 4096:
        fail(errno.E2BIG)
    if size < _CLONE_ARGS_LEAST:
        fail(errno.EINVAL)
    raw = task.mm.read(address, size).ljust(_CLONE_ARGS_MOST, b"\0")
    if any(raw[_CLONE_ARGS_MOST:]):
        fail(errno.E2BIG)
    words = [int.from_bytes(raw[at : at + 8], "little") for at in range(0, _CLONE_ARGS_MOST, 8)]
    flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, _ = words
    if set_tid or set_tid_size or exit_signal > 64 or flags & _CSIGNAL or bool(stack) != bool(stack_size):
        fail(errno.EINVAL)
    top = stack + stack_size if stack else 0
    return _clone(task, flags, exit_signal, top, parent_tid, child_tid, tls, pidfd)


def _clone(
    task: Task, flags: int, exit_signal: int, stack: int, parent_tid: int, child_tid: int, tls: int, pidfd: int
) -> int | None:
    _check_flags(flags)
    if flags & _NAMESPACES:
        fail(errno.EPERM)
    if flags & CLONE_SETTLS and tls >= _USER_TOP:
        fail(errno.EPERM)
    wish = CloneWish(
        exit_signal=0 if exit_signal == _OWN_SIGNAL else exit_signal,
        sibling=bool(flags & CLONE_PARENT),
        stack=stack,
        tls=tls if flags & CLONE_SETTLS else None,
        parent_tid=parent_tid if flags & CLONE_PARENT_SETTID else 0,
        child_tid=child_tid if flags & CLONE_CHILD_SETTID else 0,
        clear_tid=child_tid if flags & CLONE_CHILD_CLEARTID else 0,
        pidfd=(pidfd or parent_tid) if flags & CLONE_PIDFD else 0,
        waits=bool(flags & CLONE_VFORK),
        clear_handlers=bool(flags & CLONE_CLEAR_SIGHAND),
    )
    if flags & CLONE_THREAD:
        if flags & _THREAD != _THREAD:
            fail(errno.EINVAL)  # a thread with files of its own: see the table's note
        return lives.start_thread(task, wish)
    if flags & CLONE_VM and not flags & CLONE_VFORK:
        fail(errno.EINVAL)  # two processes in one memory: see the table's note
    return lives.fork(task, wish)


def _check_flags(flags: int) -> None:
    """Combinations that say nothing (copy_process of kernel/fork.c)."""
    bad = (
        flags & (CLONE_NEWNS | CLONE_FS) == CLONE_NEWNS | CLONE_FS
        or flags & (CLONE_NEWUSER | CLONE_FS) == CLONE_NEWUSER | CLONE_FS
        or (flags & CLONE_THREAD and not flags & CLONE_SIGHAND)
        or (flags & CLONE_SIGHAND and not flags & CLONE_VM)
        or (flags & CLONE_SIGHAND and flags & CLONE_CLEAR_SIGHAND)
        or (flags & CLONE_PIDFD and flags & (CLONE_THREAD | CLONE_DETACHED))
    )
    if bad:
        fail(errno.EINVAL)


def execve(task: Task, path: int, argv: int, environ: int) -> int | None:
    return execveat(task, 0xFFFF_FF9C, path, argv, environ, 0)


def execveat(task: Task, at: int, path: int, argv: int, environ: int, flags: int) -> int | None:
    flags, name = u32(flags), task.mm.string(path)
    if not name and not flags & 0x1000:
        fail(errno.ENOENT)
    if flags & ~0x1100:
        fail(errno.EINVAL)
    at = descriptor_or_cwd(at)
    called, place = name_at(at, name), Place(at, name)
    passing = called != name and at >= 0 and is_open(at) and not os.get_inheritable(at)
    if name:
        place = place_of(task, place.at, name, follow=not flags & 0x100, refusal=errno.EACCES)
    words, room = _strings(task, argv, room_for_strings(task.process.stack_size))
    variables, _ = _strings(task, environ, room)
    program = find(place.path, words, variables, place.at, flags, name=called, passing=passing)
    lives.become(task, program)
    return None


def _strings(task: Task, address: int, room: int) -> tuple[tuple[bytes, ...], int]:
    """A NULL-terminated vector of strings, and what is left of ``room``. No vector is an empty one, as in Linux."""
    found: list[bytes] = []
    while address and (pointer := task.mm.u64(address)):
        text = _argument(task, pointer) if len(found) < _MAX_ARGUMENTS else b""
        room -= len(text) + 9
        if room < 0 or len(found) >= _MAX_ARGUMENTS:
            fail(errno.E2BIG)
        found.append(text)
        address += 8
    return tuple(found), room


def _argument(task: Task, pointer: int) -> bytes:
    try:
        return task.mm.string(pointer, _MAX_ARGUMENT)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            fail(errno.E2BIG)
        raise


def exit_(task: Task, status: int) -> None:
    lives.end_thread(task, status & 0xFF)


def exit_group(task: Task, status: int) -> None:
    lives.end_process(task, status & 0xFF)


def wait4(task: Task, pid: int, status: int, options: int, usage: int) -> int:
    mm = task.mm
    try:
        host_status = mm.host(status, 4, True) if status else 0
        host_usage = mm.host(usage, 144, True) if usage else 0
    except OSError:
        if (result := task.wait(SYS_wait4, pid, 0, options, 0)) > 0:
            raise  # the child is gone all the same
        return result
    return task.wait(SYS_wait4, pid, host_status, options, host_usage)


def waitid(task: Task, which: int, pid: int, info: int, options: int, usage: int) -> int:
    mm = task.mm
    host_info = mm.host(info, 128, True) if info else 0
    host_usage = mm.host(usage, 144, True) if usage else 0
    return task.wait(SYS_waitid, which, pid, host_info, options, host_usage)


def set_tid_address(task: Task, address: int) -> int:
    task.clear_child_tid = address
    return task.tid


def set_robust_list(task: Task, head: int, size: int) -> int:
    if size != 24:
        fail(errno.EINVAL)
    task.robust_list = head
    return 0


def get_robust_list(task: Task, tid: int, head: int, size: int) -> int:
    other = task if s32(tid) == 0 else task.process.tasks.get(s32(tid))
    if other is None:
        fail(errno.ESRCH)
    task.mm.put_u64(size, 24)
    task.mm.put_u64(head, other.robust_list)
    return 0


def arch_prctl(task: Task, code: int, address: int) -> int:
    code = u32(code)
    if code in (_ARCH_SET_FS, _ARCH_SET_GS):
        if address >= _USER_TOP:
            fail(errno.EPERM)
        if code == _ARCH_SET_FS:
            task.vcpu.fs_base = address
        else:
            task.vcpu.gs_base = address
        return 0
    if code in (_ARCH_GET_FS, _ARCH_GET_GS):
        task.mm.put_u64(address, task.vcpu.fs_base if code == _ARCH_GET_FS else task.vcpu.gs_base)
        return 0
    return -errno.EINVAL


def prctl(task: Task, option: int, a: int, b: int, c: int, d: int) -> int:
    option = u32(option)
    if option == _PR_SET_NAME:
        name = task.mm.string(a, 4096)[:15]
        if task.tid == task.process.pid:
            task.process.rename(os.fsdecode(name))
            return 0
        return lives.name_thread(name)
    if option == _PR_GET_NAME:
        task.mm.write(a, lives.thread_name().ljust(16, b"\0"))
        return 0
    if option in (_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER) or option in _PRCTL_PLAIN:
        return _native.call(SYS_prctl, option, a, b, c, d)
    if option in (_PR_GET_PDEATHSIG, _PR_GET_CHILD_SUBREAPER):
        return _native.call(SYS_prctl, option, task.mm.host(a, 4, True), 0, 0, 0)
    if option == _PR_GET_TID_ADDRESS:
        task.mm.put_u64(a, task.clear_child_tid)
        return 0
    if option == _PR_GET_TSC:
        task.mm.put_u32(a, _PR_TSC_ENABLE)
        return 0
    if option == _PR_GET_SECCOMP or (option == _PR_SET_TSC and a == _PR_TSC_ENABLE):
        return 0
    if option == _PR_SET_VMA:
        return 0
    return -errno.EINVAL


CALLS = (
    Call(
        56,
        "clone",
        clone,
        "clone ptr ptr ptr ptr",
        Support.PARTIAL,
        "no namespaces; CLONE_VM without CLONE_THREAD only with CLONE_VFORK; no exit signal SIGRTMAX",
    ),
    Call(57, "fork", fork),
    Call(58, "vfork", vfork, note="the child has a copy; what it writes near the caller's stack is carried back"),
    Call(59, "execve", execve, "path argv argv", note="set-user-ID bits have no effect, as with no_new_privs"),
    Call(60, "exit", exit_, "int"),
    Call(61, "wait4", wait4, "pid ptr int ptr"),
    Call(157, "prctl", prctl, "int int int int int", Support.PARTIAL, "no seccomp, no PR_SET_MM, no PR_TSC_SIGSEGV"),
    Call(158, "arch_prctl", arch_prctl, "int ptr", Support.PARTIAL, "the bases of fs and gs"),
    Call(218, "set_tid_address", set_tid_address, "ptr"),
    Call(231, "exit_group", exit_group, "int"),
    Call(247, "waitid", waitid, "int pid ptr int ptr"),
    Call(273, "set_robust_list", set_robust_list, "ptr size"),
    Call(274, "get_robust_list", get_robust_list, "pid ptr ptr"),
    Call(322, "execveat", execveat, "at path argv argv int"),
    Call(435, "clone3", clone3, "ptr size", Support.PARTIAL, "as clone; no set_tid, no cgroup"),
)
