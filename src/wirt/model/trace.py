"""What ``wirt trace`` shows: the steps of a micro guest's calls, and what else happens to its processes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["HostStep", "TraceEntry", "TraceKind", "TraceOptions"]


class TraceKind(StrEnum):
    """``ENTER``: a call that may take its time has begun; its ``CALL`` follows when it is over. ``BEGIN``: a process is
    traced from now on. ``END``: it has ended. ``LOST``: only to say how many entries are missing.
    """

    BEGIN = "begin"
    ENTER = "enter"
    CALL = "call"
    SIGNAL = "signal"
    FAULT = "fault"
    END = "end"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class HostStep:
    """A call of the host's that the monitor made for the guest's.

    ``name``: the system call's, or for one that was made through Python's own modules that function's, as ``os.open``;
    such a function's system calls, one or more, are not seen apart. ``result``: as the kernel gave it (-errno); None
    for a Python function. ``began``: seconds since the monitor began with the call.
    """

    name: str
    result: int | None
    began: float
    seconds: float


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One thing that happened.

    ``time``: Unix seconds, when it began. ``pid``, ``tid``: by the guest's own numbers; ``program``: the process's
    name. ``name``, ``arguments``, ``outcome``: the call as a person reads it (``= -1 ENOENT (No such file or
    directory)``), or the name of a signal and what it says. ``result``: the register rax; None where there is none.
    ``seconds``: what the monitor took. ``user``: what the program and the function library ran since the monitor had
    last let it, leaving and entering the guest included. ``rip``: where the program goes on, 0 where nobody asked.
    ``inside``: without a trace the function library would have answered, and the guest would not have been left.
    ``lost``: how many entries before this one could not be sent.
    """

    kind: TraceKind
    time: float
    pid: int
    tid: int
    program: str = ""
    name: str = ""
    arguments: str = ""
    result: int | None = None
    outcome: str = ""
    seconds: float = 0.0
    user: float = 0.0
    rip: int = 0
    inside: bool = False
    steps: tuple[HostStep, ...] = ()
    lost: int = 0


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """``calls``: names of calls, or of sets of them (file, network ...), one with "!" in front is left out; none: all.

    ``steps``: with ``rip`` and ``HostStep``s. ``arguments``: False where nobody will read them. ``start``: the guest
    does not run yet: begin with its first step.
    """

    calls: tuple[str, ...] = ()
    steps: bool = False
    arguments: bool = True
    start: bool = False
