"""What went wrong as one line on standard error, a hint on the second, and an exit code. Nowhere else decides those.

====  =========================================================================================
code  meaning
====  =========================================================================================
125   wirt itself failed: a bad flag, no such guest, no daemon ...
126   the guest's program cannot be executed
127   the guest's program cannot be found
128+n the guest's program, or this command, was ended by signal n (130: Ctrl-C, 141: nobody reads our output)
else  the exit code of the guest's program
====  =========================================================================================
"""

from __future__ import annotations

import os
import sys

from wirt.cli.options import UsageError
from wirt.errors import StartFailed, WirtError

__all__ = ["FAILED", "complain", "report"]

FAILED = 125
_INTERRUPTED = 130
_UNREAD = 141


def report(error: BaseException) -> int:
    """Says what went wrong and gives the exit code."""
    if isinstance(error, KeyboardInterrupt):
        if sys.stderr is not None and sys.stderr.isatty():
            print(file=sys.stderr)  # after the ^C
        return _INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _discard_output()
        return _UNREAD
    if isinstance(error, UsageError):
        complain(str(error), error.hint)
        print(f"See '{' '.join(['wirt', *error.words.split(), '--help'])}'.", file=sys.stderr)
        return FAILED
    if isinstance(error, WirtError):
        complain(str(error), error.hint)
        return error.exit_code if isinstance(error, StartFailed) else FAILED
    if os.environ.get("WIRT_DEBUG"):
        raise error
    if isinstance(error, ConnectionError):
        complain(str(error), "see whether it still runs: wirt info")
    elif isinstance(error, OSError):
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    else:
        complain(
            f"this is a fault of wirt's: {type(error).__name__}: {error}", "WIRT_DEBUG=1 shows where; please report it"
        )
    return FAILED


def complain(message: str, hint: str = "") -> None:
    """``wirt: message`` and, where there is one, ``hint: ...``, on standard error."""
    from wirt.cli.style import on_error

    lines = [on_error("wirt:", "red") + f" {' '.join(message.splitlines())}"]
    if hint:
        lines.append(on_error("hint:", "yellow") + f" {hint}")
    print("\n".join(lines), file=sys.stderr)


def _discard_output() -> None:
    """What is still buffered goes nowhere, instead of to an error when the interpreter ends."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
