"""System calls as data: number -> handler, how far it is supported, and a note for the person who reads the matrix.

Each module of ``syscalls`` ends with its ``CALLS``; they are collected here, and ``docs/system-calls.md`` is made
from them.
"""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["SUBJECTS", "Call", "Handler", "Restart", "Support", "collect", "module"]

# Takes the task and as many unsigned 64-bit words as ``Call.arguments`` names; returns what rax becomes (-errno for a
# failure), or None when it has set the task's registers itself. ``OSError`` is answered with its errno.
Handler = Callable[..., int | None]

SUBJECTS = (
    "attributes",
    "directories",
    "events",
    "files",
    "futex",
    "identity",
    "ipc",
    "limits",
    "locks",
    "memory",
    "paths",
    "pipes",
    "poll",
    "process_vm",
    "scheduling",
    "segments",
    "signals",
    "sockets",
    "system",
    "tasks",
    "time",
    "tty",
    "vmi",
)


class Support(enum.StrEnum):
    """How far a call is what Linux has."""

    FULL = "full"
    PARTIAL = "partial"  # the note says what is missing
    NONE = "none"  # known, and refused with the errno that the note gives


class Restart(enum.Enum):
    """What becomes of a call that a signal interrupted (signal(7), "Interruption of system calls")."""

    SYS = "sys"  # done again, unless a handler without SA_RESTART ran: ERESTARTSYS
    NOHAND = "nohand"  # done again, unless any handler ran: ERESTARTNOHAND
    NEVER = "never"  # fails with EINTR


@dataclass(frozen=True, slots=True)
class Call:
    """``arguments``: a word each, of the kinds in ``wirt.sentry.tracing``: "fd buf size", "at path open mode" ..."""

    number: int
    name: str
    handler: Handler
    arguments: str = ""
    support: Support = Support.FULL
    note: str = ""
    restart: Restart = Restart.SYS

    @property
    def arity(self) -> int:
        return len(self.arguments.split())


def module(subject: str) -> Any:
    """The module of a subject, which has ``CALLS``."""
    return importlib.import_module(f"wirt.sentry.syscalls.{subject}")


def collect() -> dict[int, Call]:
    """Every call that there is, by number. ``ValueError`` when two claim one number."""
    table: dict[int, Call] = {}
    for subject in SUBJECTS:
        for call in module(subject).CALLS:
            if call.number in table:
                raise ValueError(f"{call.name} and {table[call.number].name} are both number {call.number}")
            table[call.number] = call
    return table
