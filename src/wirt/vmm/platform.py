"""What the sentry asks of a virtual processor, whoever provides it: ``kvm`` or ``software``.

A ``Machine`` serves one address space in one host process. Each thread of the guest has a ``Vcpu``, made in the host
thread that runs it and used by no other, but for ``kick``. After fork(2) the child abandons the machine it inherited,
and creates its own over the same memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from wirt.vmm.memory import GuestMemory

__all__ = ["BUS_ERROR", "KICK", "Exit", "Fault", "Features", "Machine", "Platform", "UserRegisters", "Vcpu"]

KICK = 64  # SIGRTMAX: interrupts a vCPU from another thread; guests cannot use it
BUS_ERROR = 256  # no vector of the processor's: the host has no page for the address, such as beyond a file's end


class Exit(Enum):
    """Why ``run`` returned."""

    SYSCALL = "syscall"  # ``number`` and ``args``; answer with ``finish``, or go elsewhere with ``resume``
    FAULT = "fault"  # ``fault``; the next ``run`` begins the instruction anew, ``resume`` goes elsewhere
    INTERRUPTED = "interrupted"  # a signal outside the mask is pending, or somebody kicked
    DEAD = "dead"  # ``reason``; the vCPU cannot go on


@dataclass(frozen=True, slots=True)
class Fault:
    """An exception that the program raised.

    ``vector`` as the processor numbers it (Intel SDM volume 3, 6.3), or ``BUS_ERROR``. ``error``: its error code, or 0.
    ``address``: for page faults (14) the guest-virtual address; for ``BUS_ERROR`` the guest-physical one, or -1 when
    the host does not tell; else 0.
    """

    vector: int
    error: int
    address: int


@dataclass(frozen=True, slots=True)
class Features:
    """What the processor offers programs, for their auxiliary vector and signal frames."""

    xfeatures: int  # XCR0: which parts of the extended state there are
    xsave_size: int  # bytes of it in standard form
    hwcap: int  # AT_HWCAP: edx of CPUID 1
    hwcap2: int  # AT_HWCAP2
    signal_stack: int  # AT_MINSIGSTKSZ: bytes of the largest signal frame


@dataclass(slots=True)
class UserRegisters:
    """The registers a program sees, each modulo 2**64."""

    rax: int = 0
    rbx: int = 0
    rcx: int = 0
    rdx: int = 0
    rsi: int = 0
    rdi: int = 0
    rsp: int = 0
    rbp: int = 0
    r8: int = 0
    r9: int = 0
    r10: int = 0
    r11: int = 0
    r12: int = 0
    r13: int = 0
    r14: int = 0
    r15: int = 0
    rip: int = 0
    rflags: int = 0x202
    fs_base: int = 0
    gs_base: int = 0


class Vcpu(Protocol):
    """One virtual processor, in ring 3 of the guest between calls."""

    number: int
    args: tuple[int, int, int, int, int, int]
    fault: Fault
    reason: str
    features: Features
    fs_base: int
    gs_base: int

    def run(self, mask: int) -> Exit:
        """Until something happens. ``mask``: the signals that do not interrupt, bit n-1 for signal n."""

    def finish(self, result: int) -> None:
        """Answer a system call: rax, and on behind it."""

    def registers(self) -> UserRegisters:
        """All of them: at the fault, or as they are behind the system call (rax: its number, or the answer)."""

    def resume(self, registers: UserRegisters) -> None:
        """Go on there, whatever it was doing. Values that no program can have become ones that fault."""

    def xsave(self) -> bytes:
        """The extended state, in XSAVE's standard form (Intel SDM volume 1, 13.4)."""

    def xrestore(self, state: bytes) -> None:
        """Set it. ValueError for what the processor would refuse."""

    def kick(self) -> None:
        """From another thread: ``run`` returns INTERRUPTED now, or as soon as it is called."""

    def set_thread(
        self,
        *,
        pid: int,
        tid: int,
        ppid: int,
        uid: int,
        euid: int,
        gid: int,
        egid: int,
        time: int = 0,
        answers: bool = True,
    ) -> None:
        """What the function library may tell the program without asking.

        ``time``: where the time page is mapped, 0 for nowhere. ``answers=False``: every call reaches the monitor.
        """

    def close(self) -> None:
        """The thread ends."""


class Machine(Protocol):
    """The virtual processors of one address space."""

    def vcpu(self) -> Vcpu:
        """A vCPU for the calling thread. OSError when there are too many."""

    def abandon(self) -> None:
        """In a child of fork(2): close what belongs to the parent's machine."""

    def close(self) -> None:
        """No vCPU runs any more."""


class Platform(Protocol):
    """A way to run guests."""

    name: str

    def create(self, memory: GuestMemory) -> Machine:
        """A machine over ``memory``, which no other machine of this process uses any more."""
