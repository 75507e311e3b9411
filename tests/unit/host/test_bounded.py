"""Programs that end, that fail, and that never end."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from wirt.host.bounded import Ended, run_bounded


def test_program_that_ends_tells_its_status_and_output() -> None:
    assert run_bounded(["sh", "-c", "echo out; echo err >&2; exit 3"], 10) == Ended(3, "out\n", "err\n")


def test_program_that_does_not_end_is_killed_with_its_children(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = run_bounded(["sh", "-c", f"echo said; sleep 60 & echo $! > {tmp_path}/pid; wait"], 0.3)
    assert ended == Ended(None, "said\n", "")
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(int((tmp_path / "pid").read_text()))


def test_program_that_is_missing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_bounded(["/no/such/program"], 1)


def _wait_until_gone(pid: int) -> None:
    """An orphan is reaped by init in its own time; a zombie is as good as gone."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        os.kill(pid, 0)
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            raise ProcessLookupError
