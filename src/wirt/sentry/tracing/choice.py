"""Which calls a trace is to show: names, sets of names as strace(1) has them, "!" in front of what to leave out."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from wirt.errors import InvalidInput
from wirt.sentry.table import collect, module

__all__ = ["SETS", "chosen"]

_PROCESS = "fork vfork clone clone3 execve execveat exit exit_group wait4 waitid kill tkill tgkill pidfd_open"
# Set -> subjects of the table whose calls are in it.
_SUBJECTS = {
    "memory": ("memory", "segments"),
    "network": ("sockets",),
    "signal": ("signals",),
    "ipc": ("ipc",),
    "time": ("time",),
    "poll": ("poll", "events"),
    "ids": ("identity",),
}
SETS = (*_SUBJECTS, "file", "desc", "process")


@functools.cache
def _sets() -> dict[str, frozenset[str]]:
    calls = tuple(collect().values())
    found = {
        name: frozenset(call.name for subject in subjects for call in module(subject).CALLS)
        for name, subjects in _SUBJECTS.items()
    }
    kinds = {call.name: set(call.arguments.split()) for call in calls}
    found["file"] = frozenset(name for name, words in kinds.items() if words & {"path"})
    found["desc"] = frozenset(name for name, words in kinds.items() if words & {"fd", "at"})
    found["process"] = frozenset(_PROCESS.split())
    found["all"] = frozenset(kinds)
    return found


def chosen(words: Iterable[str]) -> frozenset[str] | None:
    """The names that ``words`` stand for; None for all calls. ``InvalidInput`` for what is neither call nor set."""
    words = tuple(word for word in words if word)
    if not words:
        return None
    sets = _sets()
    wanted: set[str] = set() if any(not word.startswith("!") for word in words) else set(sets["all"])
    for word in words:
        name = word.removeprefix("!").removeprefix("%")
        names = sets.get(name) or ({name} if name in sets["all"] else None)
        if names is None:
            raise InvalidInput(
                f"{name!r} is neither a system call nor a set of them",
                hint=f"sets are {', '.join(sorted(SETS))}; calls are listed in docs/system-calls.md",
            )
        wanted = wanted - names if word.startswith("!") else wanted | names
    return frozenset(wanted)
