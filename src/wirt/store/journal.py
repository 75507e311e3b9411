"""The journal: every multi-step operation is written down before it starts, and each step before it is taken.

A daemon that starts finds what its predecessor left unfinished (``unfinished``) and finishes or undoes it.

``WIRT_CRASH_AT=kind:step`` kills the daemon with SIGKILL right after that step has been written down, and with ``end``
for the step when all is done and that is not yet written. It is how the tests prove recovery at every step, on the very
code that runs in earnest.
"""

from __future__ import annotations

import enum
import os
import signal
import time
from dataclasses import dataclass

from wirt.store.database import Database

__all__ = ["Journal", "Operation", "OperationKind"]


class OperationKind(enum.StrEnum):
    CREATE = "create"
    START = "start"
    END = "end"  # the guest has ended: book it and give back what it held
    REMOVE = "remove"
    NETWORK_CREATE = "network-create"
    NETWORK_REMOVE = "network-remove"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on ``subject`` (a guest's or network's id) that was about to take ``step``."""

    number: int
    kind: OperationKind
    subject: str
    step: str


class Journal:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._crash_at = os.environ.get("WIRT_CRASH_AT", "")

    def begin(self, kind: OperationKind, subject: str, step: str = "begin") -> Operation:
        cursor = self._database.execute(
            "INSERT INTO operations (kind, subject, step, started) VALUES (?, ?, ?, ?)",
            kind.value,
            subject,
            step,
            time.time(),
        )
        operation = Operation(cursor.lastrowid or 0, kind, subject, step)
        self._maybe_crash(kind, step)
        return operation

    def step(self, operation: Operation, step: str) -> None:
        """``step`` is about to be taken."""
        self._database.execute("UPDATE operations SET step = ? WHERE id = ?", step, operation.number)
        self._maybe_crash(operation.kind, step)

    def end(self, operation: Operation) -> None:
        self._maybe_crash(operation.kind, "end")
        self._database.execute("DELETE FROM operations WHERE id = ?", operation.number)

    def unfinished(self) -> list[Operation]:
        """Oldest first."""
        rows = self._database.execute("SELECT id, kind, subject, step FROM operations ORDER BY id")
        return [Operation(number, OperationKind(kind), subject, step) for number, kind, subject, step in rows]

    def _maybe_crash(self, kind: OperationKind, step: str) -> None:
        if self._crash_at == f"{kind}:{step}":
            os.kill(os.getpid(), signal.SIGKILL)
