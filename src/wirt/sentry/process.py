"""A guest process: one host process of the monitor. What its threads share."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wirt.host.process import set_name
from wirt.sentry.clocks import clocks
from wirt.vmm.vmi.time_page import TimePage

if TYPE_CHECKING:
    from wirt.sentry.mm import AddressSpace
    from wirt.sentry.orders import Post
    from wirt.sentry.task import Task
    from wirt.sentry.tracing.tracer import Tracer
    from wirt.vmm.platform import Machine, Platform

__all__ = ["GuestOptions", "Process", "SigAction"]


@dataclass(frozen=True, slots=True)
class GuestOptions:
    """What a guest's processes have in common; made by whoever builds the jail.

    ``proc_fd``: an O_PATH descriptor of a procfs for the guest's pid namespace, out of the guest's sight; -1: none.
    ``records_fd``: a folder that all the guest's processes share and it does not see, for what they tell of themselves.
    ``memory``: bytes of guest memory a process may map. ``machine_memory``: what /proc/meminfo says there is.
    ``limits``: soft and hard, by RLIMIT_* number, of those that are the guest's alone; see ``rlimits``.
    ``streams``: device and inode of what its first process had as standard input, output and error.
    ``post``: where orders come from; None: none come.
    """

    memory: int
    machine_memory: int
    cpus: int = 1
    hostname: str = ""
    proc_fd: int = -1
    records_fd: int = -1
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    streams: tuple[tuple[int, int], ...] = ()
    post: Post | None = None


def _no_loop(task: Task) -> None:
    raise RuntimeError(f"thread {task.tid} has no loop to run")


@dataclass(slots=True)
class SigAction:
    """struct kernel_sigaction: ``handler`` 0 is SIG_DFL, 1 SIG_IGN. ``mask``: bit n-1 is signal n."""

    handler: int = 0
    flags: int = 0
    restorer: int = 0
    mask: int = 0


@dataclass(slots=True)
class Process:
    """``lock`` is held by whoever changes what threads share, and by fork, so that a child starts with whole data."""

    platform: Platform
    machine: Machine
    mm: AddressSpace
    options: GuestOptions
    calls: dict[int, tuple[Any, int, Any]] = field(default_factory=dict)  # by number: handler, arity, Call
    actions: list[SigAction] = field(default_factory=lambda: [SigAction() for _ in range(65)])
    handled: int = 0  # signals with a handler; bit n-1 is signal n. Changed by ``signals.set_action`` only
    tasks: dict[int, Task] = field(default_factory=dict)
    special: dict[int, Any] = field(default_factory=dict)  # descriptors that are more than the host's of that number
    virtual_cwd: bytes = b""  # the working directory, when it lies in /proc or /sys (see namei)
    own_root: bool = True  # /proc and /sys are where they were: no chroot(2) was made
    exe: str = ""  # path of the program, as the guest sees it
    argv: tuple[bytes, ...] = ()
    name: str = ""  # 15 characters at most, as in comm
    exec_request: Any = None  # a thread other than the first asked for execve
    vfork_fd: int = -1  # what tells a parent in vfork(2) that it may go on
    vfork_window: tuple[int, bytes] = (0, b"")  # its stack around the call: where it starts, what it held
    stack_size: int = 8 << 20  # what RLIMIT_STACK says when a program starts
    limits: dict[int, tuple[int, int]] = field(default_factory=dict)  # RLIMIT_* that are the guest's alone
    personality: int = 0  # personality(2)
    status: int = 0  # what the process ends with, once its last thread has
    changed: threading.Event = field(default_factory=threading.Event)  # a thread has ended
    told_limit: int = 0  # of memory, as the program has last heard it from the virtual machine interface; 0: never
    clean_state: bytes = b""  # the extended state that a program starts with
    clocks: TimePage = field(default_factory=clocks)
    time_page: int = 0  # where the program sees it; 0 before there is one
    lock: threading.RLock = field(default_factory=threading.RLock)
    pid: int = 0
    farewell: Callable[[int], None] | None = None  # who is told that it ends, and nobody is left of its children
    on_exec: list[Callable[[Process], None]] = field(default_factory=list)
    on_fork: list[Callable[[Process], None]] = field(default_factory=list)  # called in the child
    loop: Callable[[Task], None] = field(default=_no_loop)
    heeded: int = 0  # the newest order that was (see orders)
    tracer: Tracer | None = None  # who is told what happens in it
    hold: Any = None  # ``checkpoint.Hold``, while all threads are to stand still

    # -- its name and place ------------------------------------------------------------------------

    def absolute(self, path: bytes) -> str:
        """A path as the guest sees it, from the root."""
        text = os.fsdecode(path)
        return os.path.normpath(text if text.startswith("/") else os.path.join(os.getcwd(), text))

    def path_of(self, fd: int) -> str:
        """What an open file is called; "" where that cannot be told."""
        try:
            return os.readlink(f"self/fd/{fd}", dir_fd=self.options.proc_fd)
        except OSError:
            return ""

    def become(self, argv: tuple[bytes, ...], exe: str, name: str) -> None:
        """A new program: what /proc says of the process. ``name``: what it was called by, maybe a link to ``exe``."""
        self.argv, self.exe = argv, exe
        self.rename(name)
        for hook in self.on_exec:
            hook(self)

    def rename(self, name: str) -> None:
        self.name = name[:15]
        set_name(self.name)

    def forget_descriptor(self, fd: int) -> None:
        """``fd`` is about to be closed."""
        if self.special:
            self.special.pop(fd, None)
