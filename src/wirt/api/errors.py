"""Exceptions become HTTP answers here and nowhere else."""

from __future__ import annotations

import errno
import re

import msgspec

from wirt.errors import (
    Conflict,
    CorruptData,
    Forbidden,
    InvalidInput,
    NotFound,
    OutOfSpace,
    RuntimeFailure,
    StartFailed,
    TooLarge,
    Unavailable,
    WirtError,
)
from wirt.model.wire import Problem

__all__ = ["STATUS", "answer", "problem_of", "status_of"]

# The nearest class of an error's ancestry counts.
STATUS: dict[type[WirtError], int] = {
    InvalidInput: 400,
    TooLarge: 413,
    StartFailed: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    CorruptData: 422,
    RuntimeFailure: 500,
    Unavailable: 503,
    OutOfSpace: 507,
    WirtError: 500,
}

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def answer(error: BaseException) -> tuple[int, bytes]:
    """Status and JSON body for whatever went wrong."""
    return status_of(error), msgspec.json.encode(problem_of(error))


def status_of(error: BaseException) -> int:
    return next((STATUS[kind] for kind in type(_known(error)).__mro__ if kind in STATUS), 500)


def problem_of(error: BaseException) -> Problem:
    """``error`` as a body; what is not ours to explain says only that the daemon's log knows more."""
    known = _known(error)
    exit_code = known.exit_code if isinstance(known, StartFailed) else 125
    name = _CAPITAL.sub("_", type(known).__name__).lower()
    return Problem(name, " ".join(str(known).split()), known.hint, exit_code)


def _known(error: BaseException) -> WirtError:
    if isinstance(error, WirtError):
        return error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace("the disk is full", hint="free some space: wirt image prune, wirt volume prune")
    return RuntimeFailure(
        f"the daemon failed at this: {type(error).__name__}", hint="its log has the details; please report them"
    )
