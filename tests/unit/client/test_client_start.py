"""The start of a daemon, with small programs in its place; the real one starts in tests/integration."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from pathlib import Path

import pytest

from wirt.client.address import Address
from wirt.client.start import start_daemon
from wirt.errors import Unavailable


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """``program(lines)``: what is started instead of the daemon, a shell script that has the ready pipe as $fd."""
    monkeypatch.setenv("WIRT_STATE", str(tmp_path / "state"))

    def install(lines: str) -> Address:
        script = tmp_path / "python"
        script.write_text(f'#!/bin/sh\nfor fd; do :; done\necho "$@" >>{tmp_path}/started\n{lines}\n')
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        return Address(str(tmp_path / "run/wirt.sock"), local=True)

    yield install
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def test_start_waits_until_the_daemon_is_ready(program, tmp_path: Path) -> None:
    start_daemon(program('echo "I start"; echo ready >/dev/fd/$fd'))
    assert (tmp_path / "started").read_text().startswith("-I -m wirt daemon --ready-fd ")
    assert (tmp_path / "state/daemon.log").read_text() == "I start\n"


def test_start_passes_on_why_the_daemon_cannot(program) -> None:
    address = program('printf "the state folder is not ours\\tuse another\\n" >/dev/fd/$fd; exit 1')
    with pytest.raises(Unavailable, match="cannot be started: the state folder is not ours") as caught:
        start_daemon(address)
    assert caught.value.hint == "use another"


def test_start_tells_of_a_daemon_that_died_without_a_word(program) -> None:
    with pytest.raises(Unavailable, match=r"it ended with status 3 \(no module named wirt\)") as caught:
        start_daemon(program("echo traceback; echo no module named wirt; exit 3"))
    assert "daemon.log" in caught.value.hint


def test_start_happens_once_for_many_at_the_same_time(program, tmp_path: Path) -> None:
    listen = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(50);"
        "print('ready', file=open(int(sys.argv[2]), 'w')); [s.accept() for _ in range(19)]"
    )
    address = program(f'exec {sys.executable} -c "{listen}" {tmp_path}/run/wirt.sock $fd')
    errors: list[BaseException] = []

    def first_command() -> None:
        try:
            start_daemon(address)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=first_command) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len((tmp_path / "started").read_text().splitlines()) == 1


def test_start_without_the_right_to_make_folders_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WIRT_STATE", str(tmp_path / "file/state"))
    with pytest.raises(Unavailable, match="file/state: Not a directory"):
        start_daemon(Address(str(tmp_path / "run/wirt.sock"), local=True))
