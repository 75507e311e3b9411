"""Faults of the monitor itself: the guest's process gets an error or ends, and reads a line, never a traceback."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wirt.sentry.complaints import MOST

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("busybox") is None, reason="busybox is missing (Debian package busybox-static)"),
]

BROKEN = """
import dataclasses, sys
from wirt.sentry import run, signals
from wirt.sentry.syscalls import system
def broken(*_words):
    raise ValueError("a fault of the monitor's")
def but(call):
    return dataclasses.replace(call, handler=broken) if call.name == "sysinfo" else call
system.CALLS = tuple(map(but, system.CALLS))
if sys.argv.pop(1) == "signals":
    signals.take = broken
run.main()
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    shutil.copy(shutil.which("busybox") or "", folder / "busybox")
    (folder / "uptime").symlink_to("busybox")
    return folder


def run(root: Path, what: str, script: str) -> subprocess.CompletedProcess[str]:
    own = ["--root", str(root), "--env", "PATH=/", "--", "/busybox", "sh", "-c", script]
    command = [sys.executable, "-c", BROKEN, what, *own]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_call_whose_handler_fails_is_an_error_and_a_line(root: Path) -> None:
    done = run(root, "call", "uptime >/told; echo done")
    assert done.stdout == "done\n"
    assert "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("wirt: sysinfo(")]


def test_lines_are_few_however_many_faults_there_are(root: Path) -> None:
    done = run(root, "call", "i=0; while [ $i -lt 24 ]; do uptime >/told; i=$((i+1)); done; echo $i")
    assert done.stdout == "24\n"
    assert len([line for line in done.stderr.splitlines() if line.startswith("wirt: ")]) == MOST


def test_nothing_is_written_into_what_the_guest_has_put_there(root: Path) -> None:
    done = run(root, "call", "uptime >/told 2>&1; /busybox cat /told")
    assert "wirt" not in done.stdout + done.stderr


def test_process_ends_where_nothing_else_can_be_done(root: Path) -> None:
    done = run(root, "signals", "trap 'echo never' USR1; kill -USR1 $$; while :; do :; done")
    assert (done.returncode, done.stdout) == (137, "")
    assert "Traceback" not in done.stderr
    assert "wirt: guest process 1 is ended by a fault of its monitor: ValueError\n" in done.stderr
