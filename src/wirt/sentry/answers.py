"""Handlers that need no code of their own: what the host answers as it is, and what is refused."""

from __future__ import annotations

from wirt.host import _native
from wirt.sentry.table import Call, Handler, Support
from wirt.sentry.task import Task

__all__ = ["passed", "refused"]


def passed(number: int) -> Handler:
    """The host's own call, which neither blocks nor takes a pointer."""

    def handler(_task: Task, *words: int) -> int:
        return _native.quick(number, *words)

    return handler


def refused(error: int, why: str, *calls: tuple[int, str]) -> tuple[Call, ...]:
    """Calls that always fail with ``error``; ``why`` begins with its name."""

    def handler(_task: Task) -> int:
        return -error

    return tuple(Call(number, name, handler, "", Support.NONE, why) for number, name in calls)
