"""A saved guest goes on, in a jail of its own: its first process is us, and the others are born again from us.

The first process directs: it tells each what to do over a pair of sockets, one step at a time, as numbers have to come
in their order (``family``). What was written down comes from a guest, so whatever is wrong with it ends in
``CannotResume``.
"""

from __future__ import annotations

import _thread
import contextlib
import functools
import json
import os
import queue
import signal
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from wirt.abi.linux.unistd import SYS_gettid
from wirt.host import _native
from wirt.sentry import lives
from wirt.sentry.checkpoint import state
from wirt.sentry.checkpoint.become import CannotResume, become, fill_memory, settle, start_thread
from wirt.sentry.checkpoint.family import Birth, Member, What, births, joiners
from wirt.sentry.checkpoint.reopen import OpenFiles
from wirt.sentry.checkpoint.saved import SavedGuest, SavedProcess
from wirt.sentry.descriptors import hide
from wirt.sentry.guest import first_task, new_machine
from wirt.sentry.mm import saved_mapping
from wirt.sentry.process import GuestOptions
from wirt.sentry.task import Task
from wirt.vmm.memory import GuestMemory
from wirt.vmm.platform import Machine, Platform

__all__ = ["CannotResume", "resume"]

_MOST = 1 << 16  # bytes of a message
_MOST_NUMBERS = 1 << 16  # that are passed over
_FAILURES = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
)
_CLD_EXITED = 1

Made = tuple[GuestMemory, Machine]


def resume(
    platform: Platform, options: GuestOptions, saved: SavedGuest, made: Made, ready: Callable[[], None]
) -> NoReturn:
    """Become it: the caller is in the jail, and has one thread. ``ready`` is called before it goes on."""
    try:
        family = _Family.of(platform, options, saved)
        agent = family.first(made)
        _direct(family, agent)
    except OSError as error:
        raise CannotResume(_sentence(error)) from error
    except _FAILURES as error:
        raise CannotResume(f"what was saved is damaged ({type(error).__name__}: {error})") from error
    ready()
    for member in family.members[1:]:
        family.tell(member.pid, {"do": "go"})
    agent.go()


def _sentence(error: OSError) -> str:
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"what it had open is not here: {what}"


# -- the whole guest -------------------------------------------------------------------------------


@dataclass(slots=True)
class _Family:
    """What all its processes know, as each is a copy of another one."""

    platform: Platform
    options: GuestOptions
    saved: dict[int, SavedProcess]
    found: dict[int, dict[str, Any]]
    members: list[Member]
    births: list[Birth]
    files: OpenFiles
    shared: dict[int, int]
    memory: int
    channels: dict[int, tuple[socket.socket, socket.socket]] = field(default_factory=dict)  # the first one's, theirs

    @classmethod
    def of(cls, platform: Platform, options: GuestOptions, saved: SavedGuest) -> _Family:
        found = {each.pid: json.loads(each.state) for each in saved.processes}
        if any(each["version"] != state.VERSION for each in found.values()):
            raise CannotResume("it was saved by another version of wirt: run it anew")
        if os.getpid() != 1 or 1 not in found:
            raise CannotResume("the first of its processes was not saved")
        members = [_member(pid, found[pid]) for pid in sorted(found)]
        try:
            order = births(members)
        except ValueError as error:
            raise CannotResume(str(error)) from None
        family = cls(
            platform=platform,
            options=options,
            saved={each.pid: each for each in saved.processes},
            found=found,
            members=members,
            births=order,
            files=OpenFiles(options.proc_fd, saved.pairs),
            shared={},
            memory=saved.memory,
        )
        family._open_all()
        for birth in order:
            if birth.what not in (What.THREAD, What.DEAD):
                one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
                family.channels[birth.number] = _hidden(one), _hidden(other)
        return family

    def _open_all(self) -> None:
        for pid, found in self.found.items():
            for entry in found["descriptors"]:
                self.files.make(self.saved[pid].files[entry["fd"]], entry)
        filled: dict[int, Any] = {}  # each open file once, whoever has it
        for pid, found in self.found.items():
            for entry in found["descriptors"]:
                filled.setdefault(self.saved[pid].files[entry["fd"]], entry)
        self.files.fill(tuple(filled.values()))
        for pid in self.found:
            self._share(pid)

    def _share(self, pid: int) -> None:
        """Memory that processes share becomes a file without a name, with what the first of them saw in it."""
        for vma in map(saved_mapping, self.found[pid]["space"]["mappings"]):
            if not vma.shared or vma.fd_backed or vma.phys < 0:
                continue
            if vma.inode not in self.shared:
                self.shared[vma.inode] = hide(os.memfd_create("shared", os.MFD_CLOEXEC))
            fd = self.shared[vma.inode]
            if os.fstat(fd).st_size >= vma.offset + vma.size:
                continue
            os.ftruncate(fd, vma.offset + vma.size)
            for at, size, where in self.saved[pid].pieces:
                if vma.phys <= at and at + size <= vma.phys + vma.size:
                    os.lseek(fd, vma.offset + at - vma.phys, os.SEEK_SET)
                    os.sendfile(fd, self.memory, where, size)

    def first(self, made: Made) -> _Agent:
        """Us."""
        return _Agent(self, 1, self.embody(1, made))

    def embody(self, pid: int, made: Made) -> Task:
        """The calling process takes over what process ``pid`` was."""
        found = self.found[pid]
        fill_memory(made[0], found, self.saved[pid].pieces, self.memory)
        task = first_task(self.platform, self.options, made)
        become(task, found, self.files, self.saved[pid].files, self.shared)
        return task

    def tell(self, pid: int, message: dict[str, Any]) -> None:
        self.channels[pid][0].send(json.dumps(message).encode())

    def ask(self, pid: int, message: dict[str, Any]) -> None:
        """Told, and done when this returns. ``CannotResume`` in its words."""
        self.tell(pid, message)
        self.hear(pid)

    def hear(self, pid: int) -> None:
        data = self.channels[pid][0].recv(_MOST)
        answer = json.loads(data) if data else {"error": f"its process {pid} died at birth"}
        if answer.get("error"):
            raise CannotResume(answer["error"])

    def close(self) -> None:
        """What nobody needs who goes on."""
        self.files.close()
        for fd in (*self.shared.values(), self.memory):
            os.close(fd)
        for one, other in self.channels.values():
            one.close()
            other.close()


def _hidden(end: socket.socket) -> socket.socket:
    return socket.socket(fileno=hide(end.detach()))


def _member(pid: int, found: dict[str, Any]) -> Member:
    about = found["process"]
    threads = tuple(thread["tid"] for thread in found["threads"] if thread["tid"] != pid)
    dead = tuple((number, code, status) for number, code, status in about["dead"])
    return Member(pid, about["parent"], about["session"], about["group"], threads, dead)


def _direct(family: _Family, first: _Agent) -> None:
    """In the first process: everybody is born, joins their group, and settles."""
    last = 1
    for birth in family.births:
        order = {"do": "bear", "number": birth.number, "what": birth.what.value, "last": last}
        _order(family, first, birth.parent, order)
        if birth.number in family.channels:
            family.hear(birth.number)
        last = birth.number
    for pid, group in joiners(family.members):
        _order(family, first, pid, {"do": "join", "group": group})
    for birth in reversed(family.births):
        if birth.what in (What.SESSION, What.GROUP):
            family.tell(birth.number, {"do": "leave"})
            _order(family, first, birth.parent, {"do": "reap", "number": birth.number})
    for member in family.members:
        _order(family, first, member.pid, {"do": "settle"})
    if foreground := family.found[1]["process"]["foreground"]:
        with contextlib.suppress(OSError):  # a clone without a terminal
            os.tcsetpgrp(0, foreground)


def _order(family: _Family, first: _Agent, pid: int, order: dict[str, Any]) -> None:
    if pid == 1:
        first.do(order)
    else:
        family.ask(pid, order)


# -- one process -----------------------------------------------------------------------------------


class _Agent:
    """A process that does as it is told, until it goes on. ``task``: None for a stand-in."""

    def __init__(self, family: _Family, pid: int, task: Task | None) -> None:
        self._family = family
        self._pid = pid
        self._task = task
        self._gate = threading.Event()

    def serve(self, birth: Callable[[], None]) -> NoReturn:
        """Another process's life until it goes on. ``birth``: what it has to do before anything else."""
        channel = self._family.channels[self._pid][1]
        self._answer(channel, birth)
        while True:
            order = json.loads(channel.recv(_MOST) or b'{"do": "leave"}')
            if order["do"] == "leave":
                os._exit(0)
            if order["do"] == "go":
                self.go()
            self._answer(channel, functools.partial(self.do, order))

    def _answer(self, channel: socket.socket, act: Callable[[], None]) -> None:
        """Do it, and say so, or what is in the way: then it is all over."""
        error = ""
        try:
            act()
        except CannotResume as refusal:
            error = str(refusal)
        except OSError as failure:
            error = _sentence(failure)
        except _FAILURES as failure:
            error = f"what was saved is damaged ({type(failure).__name__}: {failure})"
        channel.send(json.dumps({"error": error[:1000]}).encode())
        if error:
            os._exit(125)

    def go(self) -> NoReturn:
        assert self._task is not None  # noqa: S101 - stand-ins leave
        self._family.close()
        self._gate.set()
        lives.main_thread(self._task)

    def do(self, order: dict[str, Any]) -> None:
        match order["do"]:
            case "bear":
                self._bear(order["number"], What(order["what"]), order["last"])
            case "join":
                os.setpgid(0, order["group"])
            case "reap":
                with contextlib.suppress(ChildProcessError):  # nobody had to: SIGCHLD is ignored
                    os.waitpid(order["number"], 0)
            case "settle":
                assert self._task is not None  # noqa: S101 - stand-ins leave
                settle(self._task.process, self._family.found[self._pid]["host"])

    def _bear(self, number: int, what: What, last: int) -> None:
        _pass_over(number, last)
        if what is What.THREAD:
            self._start_thread(number)
            return
        pid = os.fork()
        if pid == 0:
            try:
                self._be(number, what)
            finally:
                os._exit(125)
        if pid != number:
            raise CannotResume(f"the number of its process {number} is taken")

    def _start_thread(self, number: int) -> None:
        assert self._task is not None  # noqa: S101 - stand-ins have none
        threads = self._family.found[self._pid]["threads"]
        found = next(thread for thread in threads if thread["tid"] == number)
        start_thread(self._task.process, found, self._gate)

    def _be(self, number: int, what: What) -> NoReturn:
        """In the new process."""
        if what is What.DEAD:
            self._be_dead(number)
        if self._task is not None:
            self._task.process.machine.abandon()
            self._task.mm.memory.detach()
            self._task.mm.memory.close()
        agent = _Agent(self._family, number, None)
        births: dict[What, Callable[[], None]] = {
            What.SESSION: os.setsid,
            What.GROUP: os.setpgrp,
            What.PROCESS: agent.embody,
        }
        agent.serve(births[what])

    def embody(self) -> None:
        """Take over the process that has our number."""
        family, number = self._family, self._pid
        if family.found[number]["process"]["session"] == number:
            os.setsid()
        self._task = family.embody(number, new_machine(family.platform))

    def _be_dead(self, number: int) -> NoReturn:
        """As it has ended: its parent has not asked yet."""
        _, code, status = next(each for each in self._family.found[self._pid]["process"]["dead"] if each[0] == number)
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)  # others may be of its group
        if code == _CLD_EXITED:
            os._exit(status)
        _native.disposition(status, 1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (status,))
        os.kill(os.getpid(), status)
        os._exit(128 + status)


def _pass_over(number: int, last: int) -> None:
    """Until the next number is the wanted one: threads that only live to have one."""
    for _ in range(_MOST_NUMBERS):
        if last == number - 1:
            return
        told: queue.SimpleQueue[int] = queue.SimpleQueue()
        try:
            _thread.start_new_thread(_tell_number, (told,))
        except RuntimeError:
            raise CannotResume("it may not have as many processes as it has (--pids-limit)") from None
        last = told.get()
        if last >= number:
            break
    raise CannotResume(f"the number {number} of one of its processes is taken")


def _tell_number(told: queue.SimpleQueue[int]) -> None:
    told.put(_native.call(SYS_gettid))
