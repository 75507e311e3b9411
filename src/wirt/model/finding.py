"""What ``wirt doctor`` finds. Apart from the other facts about hosts, as monitors of micro guests have it in memory."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Finding", "Level"]


class Level(enum.StrEnum):
    OK = "ok"
    NOTE = "note"  # works, and something is worth knowing
    WARN = "warn"  # something asked for often will not work
    FAIL = "fail"  # guests of some kind cannot run


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of ``wirt doctor``: what was found, what it means, how to mend it ("" where there is nothing to do)."""

    subject: str
    level: Level
    found: str
    meaning: str = ""
    remedy: str = ""
