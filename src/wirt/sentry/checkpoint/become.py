"""One process takes over what another one was, in a new virtual machine over a copy of its memory.

What was written down comes from a guest: it makes this process do no more than that guest could ask for.
"""

from __future__ import annotations

import _thread
import base64
import contextlib
import errno
import os
import queue
import resource
import struct
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from wirt.abi.linux.unistd import SYS_gettid, SYS_rt_sigtimedwait, SYS_setitimer, SYS_tgkill
from wirt.host import _native
from wirt.sentry import lives, signals
from wirt.sentry.checkpoint import state
from wirt.sentry.checkpoint.reopen import OpenFiles
from wirt.sentry.checkpoint.saved import Piece
from wirt.sentry.credentials import capability_sets, set_capabilities
from wirt.sentry.mm import PAGE, page_up
from wirt.sentry.proc_identity import publish
from wirt.sentry.process import Process, SigAction
from wirt.sentry.rlimits import hold_files
from wirt.sentry.task import AltStack, Task
from wirt.sentry.vdso import inherit
from wirt.sentry.vma import Vma
from wirt.vmm.layout import GuestPhys
from wirt.vmm.memory import GuestMemory
from wirt.vmm.platform import UserRegisters

__all__ = ["CannotResume", "become", "fill_memory", "settle", "start_thread"]

_ITIMER = struct.Struct("=4q")


class CannotResume(Exception):  # noqa: N818 - becomes an answer
    """Why a saved guest cannot go on here, in words for a person."""


def fill_memory(memory: GuestMemory, found: dict[str, Any], pieces: Sequence[Piece], fd: int) -> None:
    """Of a machine that has made no vCPU since; ``fd``: the file with the pieces."""
    memory.reshape(found["memory"])
    for phys, size, offset in pieces:
        if not memory.holds(phys, size):
            raise ValueError("memory where there is none")
        memory.place(GuestPhys(phys), size, fd, offset, shared=False, writable=True)


def become(
    task: Task, found: dict[str, Any], files: OpenFiles, numbers: Mapping[int, int], shared: Mapping[int, int]
) -> None:
    """The memory is filled; the calling thread is the first one, ``task``.

    ``shared``: inode of memory that processes share -> a file that is it now.
    """
    process = task.process
    _check_maker(found["maker"], state.maker(process, task.vcpu.features))
    process.mm.reshape(found["space"])
    _take_over(process, found["process"])
    files.give(task, found["descriptors"], numbers)
    _map_shared(process, files, shared)
    _take_over_host(found["host"])
    inherit(process)
    _own_words(process)
    publish(process)
    _fill(task, found["threads"][0])


def settle(process: Process, host: dict[str, Any]) -> None:
    """When all others are there: what would have disturbed their births, or is of no use before."""
    while _native.quick(SYS_rt_sigtimedwait, (1 << 16).to_bytes(8, "little"), 0, bytes(16), 8) > 0:
        pass  # SIGCHLD, of children that were born only to be dead
    for which, timer in enumerate(host["timers"]):
        interval, value = timer[:2], timer[2:]
        if any(timer):  # Linux sets one that repeats anew when its signal is taken, and that may still wait
            _native.quick(SYS_setitimer, which, _ITIMER.pack(*interval, *(value if any(value) else interval)), 0)
    for number in host["pending"]:
        os.kill(process.pid, number)
    for task in process.tasks.values():
        lives.tell_vcpu(task)


def _check_maker(was: dict[str, Any], here: dict[str, Any]) -> None:
    """The saved memory holds the function library, and what the program has learnt of its processor."""
    if was["platform"] != here["platform"]:
        raise CannotResume(f"it was saved on the platform {was['platform']!s:.20}, and this is {here['platform']}")
    if was["library"] != here["library"]:
        raise CannotResume("it was saved by another version of wirt: run it anew")
    if was["features"] != here["features"]:
        raise CannotResume("it was saved on a processor with other features than this one's")


def _take_over(process: Process, found: dict[str, Any]) -> None:
    with process.lock:
        for number, values in enumerate(found["actions"]):
            if number:
                signals.set_action(process, number, SigAction(*values))
    process.virtual_cwd = found["virtual_cwd"].encode("latin-1")
    process.exe = found["exe"]
    process.argv = tuple(word.encode("latin-1") for word in found["argv"])
    process.rename(found["name"])
    process.stack_size = found["stack_size"]
    process.limits = {int(number): (soft, hard) for number, (soft, hard) in found["limits"].items()}
    hold_files(process)
    process.personality = found["personality"]
    process.time_page = found["time_page"]


def _own_words(process: Process) -> None:
    """The host kernel shows a command line in anonymous memory only (FOLL_ANON of get_mm_cmdline), not in a file's."""
    mm = process.mm
    start, end = mm.arguments[0] & -PAGE, page_up(mm.environment[1])
    vma = mm.vmas.find(start)
    if vma is None or not vma.start <= start < end <= vma.end or vma.phys < 0:
        return
    words = _native.peek(start + vma.delta, end - start)
    mm.memory.place_anonymous(GuestPhys(vma.phys + start - vma.start), end - start)
    _native.poke(start + vma.delta, words)


def _take_over_host(host: dict[str, Any]) -> None:
    """What the host kernel keeps; with the capabilities last, as others are needed before."""
    os.umask(host["umask"])
    os.chdir(host["cwd"])
    for number, limits in host["limits"].items():
        with contextlib.suppress(OSError, ValueError):  # more than this guest may have
            resource.setrlimit(int(number), tuple(limits))
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, host["nice"])
    if os.getgroups() != host["groups"]:
        os.setgroups(host["groups"])
    if list(os.getresuid()) != host["uids"] or list(os.getresgid()) != host["gids"]:
        os.setresgid(*host["gids"])
        os.setresuid(*host["uids"])
    effective, permitted, inheritable = host["capabilities"]
    _, have, _ = capability_sets()
    set_capabilities((effective & have, permitted & have, inheritable & have))


# -- memory that is shared -------------------------------------------------------------------------


def _map_shared(process: Process, files: OpenFiles, shared: Mapping[int, int]) -> None:
    for vma in process.mm.vmas:
        if not vma.shared or vma.phys < 0:
            continue
        if not vma.fd_backed:
            _map(process, vma, shared[vma.inode], writable=True)
        elif (fd := files.at(vma.device, vma.inode)) >= 0:
            _map(process, vma, fd, writable=bool(vma.may & 2))
        else:
            _map_named(process, vma)


def _map_named(process: Process, vma: Vma) -> None:
    writable = bool(vma.may & 2)
    fd = os.open(vma.name, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
    try:
        _map(process, vma, fd, writable=writable)
    finally:
        os.close(fd)


def _map(process: Process, vma: Vma, fd: int, *, writable: bool) -> None:
    about = os.fstat(fd)
    process.mm.memory.place(GuestPhys(vma.phys), vma.size, fd, vma.offset, shared=True, writable=writable)
    vma.inode = about.st_ino
    if vma.fd_backed:
        vma.device = about.st_dev


# -- threads ---------------------------------------------------------------------------------------


def _fill(task: Task, found: dict[str, Any]) -> None:
    """In the thread that ``task`` is."""
    task.mask, task.saved_mask = found["mask"], found["saved_mask"]
    task.altstack = AltStack(**found["altstack"])
    task.clear_child_tid, task.robust_list = found["clear_child_tid"], found["robust_list"]
    task.vcpu.xrestore(base64.b64decode(found["state"]))
    task.vcpu.resume(UserRegisters(**found["registers"]))
    lives.name_thread(found["name"].encode("latin-1"))
    lives.tell_vcpu(task)
    for number in found["pending"]:
        _native.quick(SYS_tgkill, task.process.pid, task.tid, number)


def start_thread(process: Process, found: dict[str, Any], gate: threading.Event) -> None:
    """One more, which goes on when the gate is opened. ``CannotResume`` when it has not the number that it had."""
    answer: queue.SimpleQueue[int] = queue.SimpleQueue()
    try:
        _thread.start_new_thread(_live, (process, found, answer, gate))
    except RuntimeError:
        raise CannotResume("it may not have as many threads as it has (--pids-limit)") from None
    if (number := answer.get()) < 0:
        raise CannotResume("one of its threads cannot be made anew")
    if number != found["tid"]:
        raise CannotResume(f"the number of its thread {found['tid']} is taken")


def _live(process: Process, found: dict[str, Any], answer: queue.SimpleQueue[int], gate: threading.Event) -> None:
    """A thread's whole life; a short one, if its number is not the right one."""
    tid = _native.call(SYS_gettid)
    if tid != found["tid"]:
        answer.put(tid)
        return
    try:
        task = Task(process, process.mm, process.machine.vcpu(), tid)
        _fill(task, found)
        lives.join(task)
    except Exception:  # whatever it is: who waits for the answer must not wait for ever
        answer.put(-errno.EINVAL)
        return
    answer.put(tid)
    gate.wait()
    lives.live(task)
