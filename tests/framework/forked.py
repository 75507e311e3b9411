"""A test's body in a process of its own: for what takes over signals, may spin for ever, or ends the process."""

from __future__ import annotations

import os
import select
import signal
import traceback
from collections.abc import Callable

__all__ = ["forked"]


def forked(body: Callable[[], object], *, seconds: float = 20.0) -> None:
    """Run ``body`` in a child. What it raises is an AssertionError here, with its traceback; so is no end in time."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _run(body, writer)
    os.close(writer)
    handle = os.pidfd_open(child)
    try:
        in_time = select.select([handle], [], [], seconds)[0]
        if not in_time:
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with open(reader, encoding="utf-8") as said:
            told = said.read()
    finally:
        os.close(handle)
    assert in_time, f"no end within {seconds:.0f} s"
    assert status == 0, told or f"the child ended with status {status}"


def _run(body: Callable[[], object], writer: int) -> None:
    try:
        body()
    except BaseException:
        os.write(writer, traceback.format_exc().encode())
        os._exit(1)
    os._exit(0)
