"""A process goes on where another one was: in a jail of its own, with a new virtual machine over a copy of its memory.

What was written down comes from a guest, so whatever is wrong with it ends in ``CannotResume``, and what it makes this
process do is no more than its guest could ask for.
"""

from __future__ import annotations

import _thread
import base64
import contextlib
import errno
import json
import os
import queue
import resource
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from wirt.abi.linux import capability
from wirt.abi.linux.unistd import SYS_capset, SYS_gettid, SYS_setitimer
from wirt.host import _native
from wirt.sentry import lives, signals
from wirt.sentry.checkpoint import state
from wirt.sentry.checkpoint.reopen import reopen
from wirt.sentry.guest import first_task
from wirt.sentry.proc_identity import publish
from wirt.sentry.process import GuestOptions, Process, SigAction
from wirt.sentry.task import AltStack, Task
from wirt.sentry.vdso import inherit
from wirt.sentry.vma import Vma
from wirt.vmm.layout import GuestPhys
from wirt.vmm.memory import GuestMemory
from wirt.vmm.platform import Machine, Platform, UserRegisters

__all__ = ["CannotResume", "Saved", "resume"]

_PAGE = 4096
_MOST_NUMBERS = 1 << 15  # thread numbers that are passed over to come to the one that is wanted
_CAPABILITY_HEADER = struct.pack("=Ii", capability.LINUX_CAPABILITY_VERSION_3, 0)
_ITIMER = struct.Struct("=4q")


class CannotResume(Exception):  # noqa: N818 - becomes an answer
    """Why a saved process cannot go on here, in words for a person."""


@dataclass(frozen=True, slots=True)
class Saved:
    """``state``: what the order ``save`` wrote. ``memory``: a file with the pieces (guest-physical address, size), one
    after the other."""

    state: bytes
    memory: int
    pieces: tuple[tuple[int, int], ...]


def resume(
    platform: Platform,
    options: GuestOptions,
    saved: Saved,
    made: tuple[GuestMemory, Machine],
    ready: Callable[[], None],
) -> NoReturn:
    """Become it: the caller is in the jail, and has one thread. ``ready`` is called before it goes on.

    ``CannotResume`` says what is in the way.
    """
    try:
        found: dict[str, Any] = json.loads(saved.state)
        _fill_memory(made[0], found, saved)
        task = first_task(platform, options, made)
        others = _become(task, found)
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise CannotResume(f"what it had open is not here: {what}") from error
    except (KeyError, ValueError, TypeError, IndexError, OverflowError, struct.error) as error:
        raise CannotResume(f"what was saved is damaged ({type(error).__name__}: {error})") from error
    os.close(saved.memory)
    ready()
    others.set()
    lives.main_thread(task)


def _fill_memory(memory: GuestMemory, found: dict[str, Any], saved: Saved) -> None:
    if found["version"] != state.VERSION:
        raise CannotResume("it was saved by another version of wirt: run it anew")
    memory.reshape(found["memory"])
    offset = 0
    for phys, size in saved.pieces:
        memory.place(GuestPhys(phys), size, saved.memory, offset, shared=False, writable=True)
        offset += size


def _become(task: Task, found: dict[str, Any]) -> threading.Event:
    """All but the first step; what other threads wait for is returned."""
    process = task.process
    _check_maker(found["maker"], state.maker(process, task.vcpu.features))
    if found["process"]["pid"] != process.pid:
        raise CannotResume("it was not the first process of its guest")
    process.mm.reshape(found["space"])
    _take_over(process, found["process"])
    reopen(task, found["descriptors"])
    _map_shared(process, found)
    _take_over_host(found["host"])
    inherit(process)
    publish(process)
    first, *others = found["threads"]
    gate = threading.Event()
    for other in others:
        _start(process, other, gate)
    _fill(task, first)
    for number in found["host"]["pending"]:
        os.kill(process.pid, number)
    return gate


def _check_maker(was: dict[str, Any], here: dict[str, Any]) -> None:
    """The saved memory holds the function library, and what the program has learnt of its processor."""
    if was["platform"] != here["platform"]:
        raise CannotResume(f"it was saved on the platform {was['platform']!s:.20}, and this is {here['platform']}")
    if was["library"] != here["library"]:
        raise CannotResume("it was saved by another version of wirt: run it anew")
    if was["features"] != here["features"]:
        raise CannotResume("it was saved on a processor with other features than this one's")


# -- the process -----------------------------------------------------------------------------------


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
    process.personality = found["personality"]
    process.time_page = found["time_page"]


def _take_over_host(host: dict[str, Any]) -> None:
    """What the host kernel keeps; with the capabilities last, as others are needed before."""
    os.umask(host["umask"])
    os.chdir(host["cwd"])
    for number, limits in host["limits"].items():
        with contextlib.suppress(OSError, ValueError):  # more than this guest may have
            resource.setrlimit(int(number), tuple(limits))
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, host["nice"])
    for which, timer in enumerate(host["timers"]):
        if timer[2] or timer[3]:
            _native.quick(SYS_setitimer, which, _ITIMER.pack(*timer), 0)
    if list(os.getresuid()) != host["uids"] or list(os.getresgid()) != host["gids"]:
        os.setgroups(host["groups"])
        os.setresgid(*host["gids"])
        os.setresuid(*host["uids"])
    effective, permitted, inheritable = host["capabilities"]
    _, have, _ = state.capability_sets()
    wanted = state.words_of((effective & have, permitted & have, inheritable & have))
    _native.quick(SYS_capset, bytearray(_CAPABILITY_HEADER), wanted)


def _map_shared(process: Process, found: dict[str, Any]) -> None:
    """Mappings that are shared with a file, or would be with children."""
    held = {tuple(entry["inode"]): entry["fds"][0][0] for entry in found["descriptors"] if "inode" in entry}
    for vma in process.mm.vmas:
        if not vma.shared or vma.phys < 0:
            continue
        if vma.fd_backed:
            _map_file(process, vma, held.get((vma.device, vma.inode), -1))
        else:
            _share(process, vma)


def _map_file(process: Process, vma: Vma, fd: int) -> None:
    """``fd``: where it is open, or -1: by its name."""
    writable = bool(vma.may & 2)
    opened = fd < 0
    if opened:
        fd = os.open(vma.name, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
    try:
        offset = vma.offset
        process.mm.memory.place(GuestPhys(vma.phys), vma.size, fd, offset, shared=True, writable=writable)
        about = os.fstat(fd)
        vma.device, vma.inode = about.st_dev, about.st_ino
    finally:
        if opened:
            os.close(fd)


def _share(process: Process, vma: Vma) -> None:
    """Its contents, which are a private copy by now, become a file without a name, which a fork will share."""
    memory = process.mm.memory
    fd = os.memfd_create("shared", os.MFD_CLOEXEC)
    try:
        os.ftruncate(fd, vma.size)
        start = memory.host(GuestPhys(vma.phys))
        for at in range(0, vma.size, _PAGE):
            if any(page := _native.peek(start + at, _PAGE)):
                os.pwrite(fd, page, at)
        memory.place(GuestPhys(vma.phys), vma.size, fd, 0, shared=True, writable=True)
        vma.inode = os.fstat(fd).st_ino
    finally:
        os.close(fd)


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


def _start(process: Process, found: dict[str, Any], gate: threading.Event) -> None:
    """A thread with the number that it had: numbers come one after the other, so those between are passed over."""
    for _ in range(_MOST_NUMBERS):
        answer: queue.SimpleQueue[int] = queue.SimpleQueue()
        _thread.start_new_thread(_live, (process, found, answer, gate))
        if (number := answer.get()) >= found["tid"] or number < 0:
            break
    if number < 0:
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
    except (OSError, ValueError, KeyError, TypeError):
        answer.put(-errno.EINVAL)
        return
    answer.put(tid)
    gate.wait()
    lives.live(task)
