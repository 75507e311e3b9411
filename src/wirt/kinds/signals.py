"""Signals by name or number, as people type them: TERM, SIGTERM, 15, RTMIN+3 (signal(7))."""

from __future__ import annotations

import re
import signal

from wirt import errors

__all__ = ["signal_number"]

_REAL_TIME = re.compile(r"RTM(?:IN\+|AX-)(\d+)")


def signal_number(text: str) -> int:
    """``InvalidInput`` for what is no signal."""
    name = text.strip().upper().removeprefix("SIG")
    if name.isdigit() and 0 < int(name) < signal.NSIG:
        return int(name)
    known = signal.__dict__.get(f"SIG{name}")
    if isinstance(known, signal.Signals):
        return int(known)
    if match := _REAL_TIME.fullmatch(name):
        step = int(match[1])
        number = signal.SIGRTMIN + step if name.startswith("RTMIN") else signal.SIGRTMAX - step
        if signal.SIGRTMIN <= number <= signal.SIGRTMAX:
            return int(number)
    raise errors.InvalidInput(f"{text}: no such signal", hint="a name or a number: TERM, SIGKILL, 9, RTMIN+3")
