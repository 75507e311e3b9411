"""The command line and its daemon: started on demand, once; and what commands say when it cannot be."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.instance import PROGRAM, Instance


@pytest.fixture
def bare(new_host: Callable[[], Instance]):
    host = new_host()
    yield host
    host.close()


def test_twenty_first_commands_start_one_daemon(bare: Instance) -> None:
    started = [bare.open("ps", "-q") for _ in range(20)]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")
    log = (bare.state / "daemon.log").read_text()
    assert log.count("listening on") == 1
    assert "another daemon" not in log


def test_daemon_outlives_the_command_that_started_it(bare: Instance) -> None:
    bare.ok("ps")
    pid = bare.daemon_pid()
    assert pid
    assert os.getsid(pid) == pid
    bare.ok("ps")
    assert bare.daemon_pid() == pid
    bare.end_daemon()
    assert bare.daemon_pid() == 0
    bare.ok("ps")
    assert bare.daemon_pid() not in (0, pid)


def test_daemon_in_the_foreground_says_when_it_is_ready(bare: Instance) -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [PROGRAM, "daemon", "--ready-fd", str(writer)], env=bare.env, pass_fds=[writer], stderr=subprocess.DEVNULL
    )
    os.close(writer)
    with open(reader) as pipe:
        assert pipe.read() == "ready\n"
    assert bare.daemon_pid() == process.pid
    process.terminate()
    assert process.wait(20) == 0


def test_why_the_daemon_does_not_start_is_told_by_the_command(bare: Instance) -> None:
    config = Path(bare.env["WIRT_CONFIG"])
    config.write_text("this is = not toml [")
    done = bare.wirt("ps")
    config.unlink()
    assert done.code == 125
    assert done.err.startswith("wirt: the daemon cannot be started: ")
    assert str(config) in done.err
    assert len(done.err.splitlines()) <= 2


def test_completion_names_guests_of_the_daemon_that_runs(host: Instance) -> None:
    host.ok("create", "--name", "completed", "busybox")
    try:
        assert host.ok("__complete", "--", "start", "comp").startswith("completed\t")
        assert host.ok("__complete", "--", "run", "--rm", "busy").startswith("busybox:latest")
    finally:
        host.ok("rm", "completed")


def test_archives_pass_through_pipes_from_image_to_image(host: Instance) -> None:
    line = f"{PROGRAM} save busybox | {PROGRAM} load -q"
    done = subprocess.run(["sh", "-c", line], env=host.env, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("Loaded image: busybox:latest\n", "")


def test_output_cut_short_by_its_reader_ends_quietly(host: Instance) -> None:
    line = f'{PROGRAM} run --name cut busybox yes | head -1; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], env=host.env, capture_output=True, text=True, check=True)
    host.ok("rm", "-f", "cut")
    assert (done.stdout, done.stderr) == ("y\n141\n", "")


def test_id_file_holds_the_id_of_what_ran(host: Instance, tmp_path: Path) -> None:
    path = tmp_path / "id"
    host.ok("run", "--cidfile", str(path), "--name", "with-file", "busybox", "true")
    assert host.ok("inspect", "-f", "{{.ID}}", "with-file") == path.read_text()
    host.ok("rm", "with-file")
    done = host.wirt("run", "--rm", "--cidfile", str(path), "busybox", "true")
    assert (done.code, "is there already" in done.err) == (125, True)
