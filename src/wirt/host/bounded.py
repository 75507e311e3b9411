"""Programs that may never end: run for a while, then killed with all they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Ended", "run_bounded"]

_GRACE = 1.0  # seconds a killed program may take to go; one that hangs in the kernel is left behind


@dataclass(frozen=True, slots=True)
class Ended:
    """``status`` as in ``subprocess``, None when the time was up; ``out`` and ``err``: what it had written by then."""

    status: int | None
    out: str
    err: str


def run_bounded(argv: Sequence[str], seconds: float) -> Ended:
    """Run ``argv`` without input for at most ``seconds``. Raises FileNotFoundError when there is no such program."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        out, err = _kill(process)
        return Ended(None, out, err)
    except BaseException:
        _kill(process)
        raise
    return Ended(process.returncode, out, err)


def _kill(process: subprocess.Popen[str]) -> tuple[str, str]:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.communicate(timeout=_GRACE)
    return "", ""
