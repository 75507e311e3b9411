"""Births and deaths of guest processes and threads.

A process is born by the host's fork: the child finds memory, descriptors and everything else copied, and opens a
virtual machine of its own over the same (copy-on-write) memory. A thread is born as a host thread with a vCPU of its
own.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import logging
import os
import signal
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from wirt.abi.linux.unistd import SYS_futex, SYS_gettid, SYS_pidfd_open, SYS_prctl
from wirt.host import _native
from wirt.sentry import orders, signals
from wirt.sentry.descriptors import hide
from wirt.sentry.exec import Program, enter
from wirt.sentry.proc_identity import record_exe
from wirt.sentry.process import Process
from wirt.sentry.task import AltStack, Task
from wirt.sentry.vdso import inherit
from wirt.vmm.platform import UserRegisters

__all__ = [
    "CloneWish",
    "ThreadEnded",
    "become",
    "end_process",
    "end_thread",
    "fork",
    "join",
    "leave_if_asked",
    "live",
    "load_program",
    "main_thread",
    "name_thread",
    "start_program",
    "start_thread",
    "tell_vcpu",
    "thread_name",
]

log = logging.getLogger("wirt.sentry")

_SIGSETXID = 33
_FUTEX_WAKE = 1
_FUTEX_TID, _FUTEX_OWNER_DIED, _FUTEX_WAITERS = 0x3FFF_FFFF, 0x4000_0000, 0x8000_0000
_ROBUST_LIMIT = 2048
_WALL = 0x4000_0000  # __WALL: children of clone(2) with other signals, too
_PR_SET_NAME, _PR_GET_NAME = 15, 16

_WINDOW_BELOW, _WINDOW = 4 << 10, 64 << 10  # of a vfork caller's stack, around its stack pointer
_WORD = struct.Struct("<QQ")


class ThreadEnded(BaseException):
    """Unwinds a guest thread's loop."""


@dataclass(frozen=True, slots=True)
class CloneWish:
    """What clone(2) was asked for. Addresses are 0 where nothing is to be written."""

    exit_signal: int = 0
    sibling: bool = False  # its parent is ours
    stack: int = 0
    tls: int | None = None
    parent_tid: int = 0
    child_tid: int = 0
    clear_tid: int = 0
    pidfd: int = 0
    waits: bool = False
    clear_handlers: bool = False


# -- processes -----------------------------------------------------------------------------------------


def fork(task: Task, wish: CloneWish) -> int | None:
    """The child's pid in the parent; None in the child, whose registers are set."""
    process = task.process
    registers, state = task.vcpu.registers(), task.vcpu.xsave()
    window = _window(task, registers.rsp) if wish.waits else (0, b"")
    reader, writer = _pipe() if wish.waits else (-1, -1)
    with process.lock:
        try:
            pid = _host_fork(wish)
        except OSError:
            _close(reader, writer)
            raise
        if pid == 0:
            _close(reader)
            _be_born(task, wish, registers, state)
            process.vfork_fd, process.vfork_window = writer, window
            return None
    _close(writer)
    with contextlib.suppress(OSError):  # as Linux does, a bad address is nobody's error by now
        if wish.parent_tid:
            task.mm.put_u32(wish.parent_tid, pid)
        if wish.pidfd and (fd := _native.call(SYS_pidfd_open, pid, 0)) >= 0:
            task.mm.put_u32(wish.pidfd, fd)
    if wish.waits:
        _await_vfork(task, reader)
    return pid


def _host_fork(wish: CloneWish) -> int:
    if wish.exit_signal == signal.SIGCHLD and not wish.sibling:
        return os.fork()
    return _native.fork(wish.exit_signal, wish.sibling)


def _pipe() -> tuple[int, int]:
    reader, writer = os.pipe2(os.O_CLOEXEC)
    return hide(reader), hide(writer)


def _close(*fds: int) -> None:
    for fd in fds:
        if fd >= 0:
            os.close(fd)


def _be_born(task: Task, wish: CloneWish, registers: UserRegisters, state: bytes) -> None:
    """In the new process, of which this is the only thread."""
    process = task.process
    _close(process.vfork_fd)
    process.pid = task.tid = os.getpid()
    process.farewell = None
    record_exe(process)
    process.tasks = {task.tid: task}
    process.exec_request = None
    process.changed = threading.Event()
    process.machine.abandon()
    process.machine = process.platform.create(process.mm.memory)
    task.vcpu = process.machine.vcpu()
    process.mm.be_inherited()
    task.robust_list, task.clear_child_tid = 0, wish.clear_tid
    if wish.clear_handlers:
        signals.forget_handlers(process)
    registers.rax = 0
    if wish.stack:
        registers.rsp = wish.stack
    if wish.tls is not None:
        registers.fs_base = wish.tls
    task.vcpu.xrestore(state)
    task.vcpu.resume(registers)
    tell_vcpu(task)
    if wish.child_tid:
        with contextlib.suppress(OSError):
            task.mm.put_u32(wish.child_tid, task.tid)
    inherit(process)
    for hook in process.on_fork:
        hook(process)
    orders.born(task)


def tell_vcpu(task: Task) -> None:
    """What the function library may answer by itself."""
    uid, euid, _ = os.getresuid()
    gid, egid, _ = os.getresgid()
    process = task.process
    task.vcpu.set_thread(
        pid=process.pid,
        tid=task.tid,
        ppid=os.getppid(),
        uid=uid,
        euid=euid,
        gid=gid,
        egid=egid,
        time=process.time_page,
        answers=process.tracer is None,
    )


# A vfork child has a copy of its parent's memory, where Linux lends it the original. Programs know of one use: the
# child of posix_spawn(3) leaves its error in a variable on the parent's stack. So the child tells which words of the
# stack around the call it has changed, and the parent, which waits, makes them its own.


def _window(task: Task, rsp: int) -> tuple[int, bytes]:
    vma = task.mm.vmas.find(rsp)
    if vma is None or not vma.rights & 2:
        return 0, b""
    start = max(vma.start, rsp - _WINDOW_BELOW) & ~7
    size = (min(vma.end, start + _WINDOW) - start) & ~7
    return start, task.mm.read(start, size)


def _await_vfork(task: Task, reader: int) -> None:
    changed = b""
    with open(reader, "rb", buffering=0) as pipe:
        while piece := pipe.read(1 << 16):
            changed += piece
    with contextlib.suppress(OSError):
        for address, word in _WORD.iter_unpack(changed[: len(changed) // 16 * 16]):
            task.mm.put_u64(address, word)


def _end_vfork(process: Process) -> None:
    """The parent in vfork may go on."""
    if process.vfork_fd < 0:
        return
    start, before = process.vfork_window
    with contextlib.suppress(OSError):
        after = process.mm.read(start, len(before)) if before else b""
        changes = b"".join(
            _WORD.pack(start + at, int.from_bytes(after[at : at + 8], "little"))
            for at in range(0, len(before), 8)
            if after[at : at + 8] != before[at : at + 8]
        )
        os.write(process.vfork_fd, changes)
    os.close(process.vfork_fd)
    process.vfork_fd, process.vfork_window = -1, (0, b"")


def end_process(task: Task, status: int) -> NoReturn:
    """exit_group(2): every thread ends with this one."""
    for other in list(task.process.tasks.values()):
        _release_robust(other)
    _end_vfork(task.process)
    if task.process.farewell is not None and _is_alone():
        task.process.farewell(status)
    os._exit(status)


def _is_alone() -> bool:
    """Whether this process has no child, born or inherited: then the guest's first process is its only one."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL)
    except ChildProcessError:
        return True
    return False


# -- execve --------------------------------------------------------------------------------------------


def become(task: Task, program: Program) -> None:
    """Go on as ``program``. Other threads end first; the process's first thread is the one that remains."""
    process = task.process
    with process.lock:
        if process.exec_request is not None:
            program.close()
            raise ThreadEnded
        process.exec_request = program
        for other in process.tasks.values():
            if other is not task:
                other.vcpu.kick()
    if task.tid != process.pid:
        _forget(task)
        raise ThreadEnded
    start_program(task)


def start_program(task: Task) -> None:
    """In the first thread: wait for the others' end, and load the program that execve asked for."""
    try:
        load_program(task)
    except OSError:
        signals.die(signal.SIGSEGV)  # the old program is gone and the new one does not fit (bprm_execve of fs/exec.c)


def load_program(task: Task) -> None:
    """The same, with ``OSError`` when the program does not fit: then there is none."""
    process = task.process
    while any(other is not task for other in list(process.tasks.values())):
        process.changed.wait(0.01)
        process.changed.clear()
        for other in list(process.tasks.values()):
            if other is not task:
                other.vcpu.kick()
    program: Program = process.exec_request
    _end_vfork(process)
    process.tasks = {process.pid: task}
    try:
        registers = enter(task, program)
    finally:
        program.close()
        process.exec_request = None
    task.vcpu.xrestore(process.clean_state)
    task.vcpu.resume(registers)
    tell_vcpu(task)
    orders.look(task)  # for a thread that was kicked and ended


def leave_if_asked(task: Task) -> bool:
    """Called after every interruption: another thread is in execve. Whether this one, the first, runs a new program."""
    process = task.process
    if process.exec_request is None:
        return False
    if task.tid == process.pid:
        task.clear_child_tid = task.robust_list = 0
        task.altstack, task.saved_mask = AltStack(), None
        start_program(task)
        return True
    _forget(task)
    raise ThreadEnded


# -- threads -------------------------------------------------------------------------------------------


def start_thread(task: Task, wish: CloneWish) -> int:
    """The new thread's tid."""
    registers, state = task.vcpu.registers(), task.vcpu.xsave()
    registers.rax = 0
    if wish.stack:
        registers.rsp = wish.stack
    if wish.tls is not None:
        registers.fs_base = wish.tls
    answer: list[int] = []
    ready = _thread.allocate_lock()
    ready.acquire()
    try:
        _thread.start_new_thread(_live, (task.process, task.mask, wish, registers, state, answer, ready))
    except RuntimeError:
        raise OSError(errno.EAGAIN, "no more threads") from None
    ready.acquire()
    if answer[0] < 0:
        raise OSError(-answer[0], os.strerror(-answer[0]))
    return answer[0]


def _live(
    process: Process,
    mask: int,
    wish: CloneWish,
    registers: UserRegisters,
    state: bytes,
    answer: list[int],
    ready: _thread.LockType,
) -> None:
    """A guest thread's whole life, in its host thread."""
    try:
        with process.lock:  # its pages are taken from the memory that others map
            vcpu = process.machine.vcpu()
    except OSError:
        answer.append(-errno.EAGAIN)
        ready.release()
        return
    task = Task(process, process.mm, vcpu, _native.call(SYS_gettid), mask)
    task.clear_child_tid = wish.clear_tid
    vcpu.xrestore(state)
    vcpu.resume(registers)
    join(task)
    tell_vcpu(task)
    with contextlib.suppress(OSError):
        if wish.child_tid:
            task.mm.put_u32(wish.child_tid, task.tid)
        if wish.parent_tid:  # not by the parent: the thread may have ended by then, and cleared the very same word
            task.mm.put_u32(wish.parent_tid, task.tid)
    answer.append(task.tid)
    ready.release()
    live(task)


def join(task: Task) -> None:
    """The calling thread is one of its process's from now on."""
    process = task.process
    with process.lock:
        process.tasks[task.tid] = task
        # The host's C library has taken this signal for itself when it made its first thread (glibc, late_init).
        signals.mirror(_SIGSETXID, process.actions[_SIGSETXID])


def live(task: Task) -> None:
    """A thread's life in its program, to the end."""
    with _faults_end(task), contextlib.suppress(ThreadEnded):
        leave_if_asked(task)
        while True:
            task.process.loop(task)
    task.vcpu.close()


@contextlib.contextmanager
def _faults_end(task: Task) -> Iterator[None]:
    """A fault of ours ends the guest's process; nobody else hears of it."""
    try:
        yield
    except Exception:
        log.exception("guest process %d is ended by a fault of its monitor", task.process.pid)
        signals.die(signal.SIGKILL)


def end_thread(task: Task, status: int) -> NoReturn:
    """exit(2): this thread alone; the process ends with its last one, and with its first one's status."""
    process = task.process
    if task.tid == process.pid:
        process.status = status
    _release_robust(task)
    if len(process.tasks) == 1:
        end_process(task, process.status)
    if task.clear_child_tid:
        with contextlib.suppress(OSError):
            task.mm.put_u32(task.clear_child_tid, 0)
            _native.call(SYS_futex, task.mm.host(task.clear_child_tid, 4), _FUTEX_WAKE, 1)
    _forget(task)
    raise ThreadEnded


def _forget(task: Task) -> None:
    with task.process.lock:
        task.process.tasks.pop(task.tid, None)
        last = not task.process.tasks
    if last and task.process.exec_request is None:
        end_process(task, task.process.status)
    task.process.changed.set()


def main_thread(task: Task) -> NoReturn:
    """The first thread's life: it stays when its guest thread has ended, as long as there are others."""
    process = task.process
    with _faults_end(task):
        while True:
            try:
                process.loop(task)
            except ThreadEnded:
                while process.exec_request is None:
                    process.changed.wait()
                    process.changed.clear()
                start_program(task)


def _release_robust(task: Task) -> None:
    """Futexes held at the end: their owner is marked dead and one waiter woken (set_robust_list(2))."""
    if not task.robust_list:
        return
    mm, head = task.mm, task.robust_list
    with contextlib.suppress(OSError):
        offset = mm.u64(head + 8)
        offset -= (1 << 64) if offset >> 63 else 0
        pending = mm.u64(head + 16)
        entry = mm.u64(head)
        for _ in range(_ROBUST_LIMIT):
            if entry & ~1 == head:
                break
            following = mm.u64(entry & ~1)
            if entry & ~1 != pending & ~1:
                _release_futex(task, (entry & ~1) + offset)
            entry = following
        if pending & ~1:
            _release_futex(task, (pending & ~1) + offset)


def _release_futex(task: Task, address: int) -> None:
    word = task.mm.u32(address)
    if word & _FUTEX_TID == task.tid:
        task.mm.put_u32(address, (word & _FUTEX_WAITERS) | _FUTEX_OWNER_DIED)
        if word & _FUTEX_WAITERS:
            _native.call(SYS_futex, task.mm.host(address, 4), _FUTEX_WAKE, 1)


# -- names ---------------------------------------------------------------------------------------------


def name_thread(name: bytes) -> int:
    """Of the calling thread, as /proc/PID/task/TID/comm shows it."""
    return _native.call(SYS_prctl, _PR_SET_NAME, name, 0, 0, 0)


def thread_name() -> bytes:
    name = bytearray(16)
    _native.call(SYS_prctl, _PR_GET_NAME, name, 0, 0, 0)
    return bytes(name).partition(b"\0")[0]
