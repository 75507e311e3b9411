"""In which order the processes and threads of a saved guest are born again, so that each has the number that it had.

A new pid namespace gives out numbers one after the other. So all of them are made in the order of their numbers, each
by the process that was its parent (or by the only thing that can take its place), and the numbers between are passed
over. Pure.

Linux has ties that outlive whoever made them: a session or a group is named after a process that may have ended. A
stand-in takes that number, makes the session or the group anew, and leaves when its members are there; what it gave
birth to is then the first process's child, as orphans are.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Birth", "Member", "What", "births", "joiners"]


@dataclass(frozen=True, slots=True)
class Member:
    """A process. ``dead``: children that nobody has waited for: number, si_code, si_status of waitid(2)."""

    pid: int
    parent: int
    session: int
    group: int
    threads: tuple[int, ...] = ()  # but the first, whose number is the process's
    dead: tuple[tuple[int, int, int], ...] = ()


class What(enum.StrEnum):
    PROCESS = "process"
    THREAD = "thread"
    DEAD = "dead"
    SESSION = "session"  # a stand-in that leads one
    GROUP = "group"  # a stand-in that leads one


@dataclass(frozen=True, slots=True)
class Birth:
    """``parent``: the process that makes it; of a thread the one that it belongs to."""

    number: int
    what: What
    parent: int


def births(members: Sequence[Member]) -> list[Birth]:
    """In their order. ValueError says what cannot be made again."""
    alive = {member.pid: member for member in members}
    found = {1: Birth(1, What.PROCESS, 0)}
    for member in members:
        if member.pid != 1:
            _bear(member, alive, found)
        for thread in member.threads:
            _add(found, Birth(thread, What.THREAD, member.pid))
        for number, _, _ in member.dead:
            _add(found, Birth(number, What.DEAD, member.pid))
    for member in members:
        if member.group != member.pid and member.group not in alive:
            _stand_in_for_group(member, alive, found)
    ordered = sorted(found.values(), key=lambda birth: birth.number)
    if any(birth.number <= birth.parent for birth in ordered):
        raise ValueError("one of its processes is older than its parent")
    return ordered[1:]


def joiners(members: Sequence[Member]) -> list[tuple[int, int]]:
    """(process, group) of those that can be in another group than they are born into."""
    return [(member.pid, member.group) for member in members if member.session != member.pid]


def _bear(member: Member, alive: dict[int, Member], found: dict[int, Birth]) -> None:
    """By its parent, if that can give it its session."""
    parent = alive.get(member.parent)
    if parent is None:
        raise ValueError(f"the parent of its process {member.pid} is not there")
    if member.session in (member.pid, parent.session):
        _add(found, Birth(member.pid, What.PROCESS, parent.pid))
        return
    if member.parent != 1 or member.session in alive:
        raise ValueError(f"its process {member.pid} is of a session that it cannot be born into again")
    if member.session not in found:
        _add(found, Birth(member.session, What.SESSION, 1))
    _add(found, Birth(member.pid, What.PROCESS, member.session))


def _stand_in_for_group(member: Member, alive: dict[int, Member], found: dict[int, Birth]) -> None:
    """Born by who leads the session, alive or standing in."""
    if member.group in found:
        return
    leader = member.session
    if leader not in alive and leader not in found:
        raise ValueError(f"its process {member.pid} is of a group that cannot be made again")
    _add(found, Birth(member.group, What.GROUP, leader))


def _add(found: dict[int, Birth], birth: Birth) -> None:
    if birth.number in found:
        raise ValueError(f"the number {birth.number} means two things in it")
    found[birth.number] = birth
