"""``kill -9`` of the daemon at any moment: guests go on, logs lose nothing, half-made things are finished or undone."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.instance import Instance
from wirt.host.mount import mounted_below, unmount


@pytest.fixture
def host(own_host: Instance) -> Instance:
    return own_host


@pytest.fixture
def crashing(host: Instance) -> Iterator[Instance]:
    """A host whose next daemon dies where a test says; afterwards daemons live again."""
    host.end_daemon()
    yield host
    host.env.pop("WIRT_CRASH_AT", None)


def crash_at(host: Instance, step: str, *command: str) -> str:
    """Run a command whose daemon is killed at ``step``; returns what the command said."""
    host.end_daemon()
    host.env["WIRT_CRASH_AT"] = step
    done = host.wirt(*command)
    del host.env["WIRT_CRASH_AT"]
    wait_until_dead(host, step)
    return done.err


def wait_until_dead(host: Instance, step: str) -> None:
    """The client may have its answer before the daemon reaches the step at which it dies."""
    deadline = time.monotonic() + 20
    while host.daemon_pid():
        assert time.monotonic() < deadline, f"the daemon outlived {step}"


def mounts(host: Instance) -> list[str]:
    return mounted_below(str(host.state)) + mounted_below(str(host.run))


def inspect(host: Instance, guest: str) -> dict[str, object]:
    [view] = json.loads(host.ok("inspect", guest))
    assert isinstance(view, dict)
    return view


def state(host: Instance, guest: str) -> str:
    return host.ok("inspect", "-f", "{{.State.Status}}", guest)


def test_guest_survives_the_daemon_and_is_adopted(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "600")
    before = inspect(host, "g")["state"]
    host.end_daemon(signal.SIGKILL)
    after = inspect(host, "g")["state"]
    assert before["pid"] == after["pid"] and after["running"]  # type: ignore[index]
    assert host.ok("exec", "g", "echo", "still here") == "still here"
    host.ok("stop", "-t", "0", "g")
    assert state(host, "g") == "exited"


def test_log_loses_nothing_while_no_daemon_runs(host: Instance) -> None:
    count = 3000
    script = f"i=0; while [ $i -lt {count} ]; do i=$((i+1)); echo line $i; [ $((i % 100)) = 0 ] && sleep 0.02; done"
    host.ok("run", "-d", "--name", "g", "busybox", "sh", "-c", script)
    host.end_daemon(signal.SIGKILL)
    host.ok("wait", "g")
    assert host.ok("logs", "g").splitlines() == [f"line {number}" for number in range(1, count + 1)]


def test_end_while_no_daemon_runs_is_booked_with_its_code(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "600")
    pid = int(host.ok("inspect", "-f", "{{.State.Pid}}", "g"))
    host.end_daemon(signal.SIGKILL)
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    os.close(watched)
    assert host.ok("wait", "g") == "137"
    assert state(host, "g") == "exited"
    assert mounts(host) == []


def test_attached_client_goes_on_without_the_daemon(host: Instance) -> None:
    client = host.open("run", "-i", "--name", "g", "busybox", "sh", "-c", "read a; echo got $a; exit 4")
    assert client.stdin and client.stdout
    while host.wirt("inspect", "-f", "{{.State.Running}}", "g").out.strip() != "true":
        pass
    host.end_daemon(signal.SIGKILL)
    client.stdin.write("word\n")
    client.stdin.close()
    assert client.stdout.read() == "got word\n"
    assert client.wait(20) == 4
    for stream in (client.stdout, client.stderr):
        assert stream
        stream.close()


@pytest.mark.parametrize("step", ["create:begin", "create:files", "create:volumes"])
def test_half_made_guest_is_undone(crashing: Instance, step: str) -> None:
    host = crashing
    error = crash_at(host, step, "create", "--name", "g", "-v", "/data", "busybox")
    assert error.startswith("wirt: ") and error.count("\n") <= 2
    assert host.ok("ps", "-aq") == ""
    assert host.ok("volume", "ls", "-q") == ""
    assert list((host.state / "guests").iterdir()) == []
    host.ok("create", "--name", "g", "busybox")


@pytest.mark.parametrize("step", ["start:begin", "start:rootfs", "start:network"])
def test_half_started_guest_is_undone_and_can_be_started(crashing: Instance, step: str) -> None:
    host = crashing
    host.ok("create", "--name", "g", "-v", "data:/data", "busybox", "echo", "hello")
    crash_at(host, step, "start", "g")
    assert state(host, "g") == "created"
    assert mounts(host) == []
    assert host.ok("start", "-a", "g") == "hello"


def test_a_start_that_reached_its_keeper_is_finished_or_undone(crashing: Instance) -> None:
    host = crashing
    host.ok("create", "--name", "g", "busybox", "sleep", "600")
    crash_at(host, "start:launch", "start", "g")
    assert state(host, "g") in ("created", "running")
    host.ok("start", "g")
    assert state(host, "g") == "running"


def test_a_started_guest_that_ended_before_its_start_was_booked_ended_as_it_did(crashing: Instance) -> None:
    host = crashing
    host.ok("create", "--name", "g", "busybox", "sh", "-c", "exit 9")
    crash_at(host, "start:end", "start", "g")
    [folder] = (host.state / "guests").iterdir()
    deadline = time.monotonic() + 20
    while not (folder / "exit.json").exists():
        assert time.monotonic() < deadline, "the guest does not end"
    view = inspect(host, "g")["state"]
    assert isinstance(view, dict)
    assert (view["status"], view["exit_code"], view["error"]) == ("exited", 9, "")
    assert 0 < view["started_at"] <= view["finished_at"]
    assert mounts(host) == []


def test_a_started_guest_whose_start_was_not_booked_is_adopted(crashing: Instance) -> None:
    host = crashing
    host.ok("create", "--name", "g", "busybox", "sleep", "600")
    crash_at(host, "start:end", "start", "g")
    assert state(host, "g") == "running"
    assert host.ok("exec", "g", "echo", "still here") == "still here"


@pytest.mark.parametrize("step", ["start:rootfs", "start:network"])
def test_half_started_guest_does_not_take_the_end_of_its_run_before(crashing: Instance, step: str) -> None:
    host = crashing
    assert host.wirt("run", "--name", "g", "busybox", "sh", "-c", "exit 9").code == 9
    before = inspect(host, "g")["state"]
    crash_at(host, step, "start", "g")
    after = inspect(host, "g")["state"]
    assert isinstance(before, dict) and isinstance(after, dict)
    assert (after["exit_code"], after["started_at"]) == (125, before["started_at"])
    assert "the daemon was killed" in after["error"]


@pytest.mark.parametrize("step", ["end:begin", "end:release"])
def test_end_that_was_cut_off_is_booked_and_cleaned_up(crashing: Instance, step: str) -> None:
    host = crashing
    crash_at(host, step, "run", "--name", "g", "busybox", "sh", "-c", "exit 9")
    assert host.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "g") == "exited 9"
    assert mounts(host) == []
    assert host.wirt("start", "-a", "g").code == 9


@pytest.mark.parametrize("step", ["end:release", "remove:begin", "remove:files", "remove:volumes"])
def test_removal_that_was_cut_off_is_finished(crashing: Instance, step: str) -> None:
    host = crashing
    host.end_daemon()
    host.env["WIRT_CRASH_AT"] = step
    host.wirt("run", "--rm", "--name", "g", "-v", "/data", "busybox", "true")
    del host.env["WIRT_CRASH_AT"]
    wait_until_dead(host, step)
    assert host.ok("ps", "-aq") == ""
    assert host.ok("volume", "ls", "-q") == ""
    assert mounts(host) == []
    host.ok("run", "--rm", "--name", "g", "busybox", "true")


@pytest.mark.parametrize("step", ["network-create:begin", "network-create:bridge"])
def test_half_made_network_is_undone(crashing: Instance, step: str) -> None:
    host = crashing
    crash_at(host, step, "network", "create", "n")
    assert "n" not in host.ok("network", "ls", "--format", "{{.Name}}").split()
    host.ok("network", "create", "n")


@pytest.mark.parametrize("step", ["network-remove:begin", "network-remove:bridge"])
def test_half_removed_network_is_gone_or_whole(crashing: Instance, step: str) -> None:
    host = crashing
    host.ok("network", "create", "n")
    crash_at(host, step, "network", "rm", "n")
    if "n" in host.ok("network", "ls", "--format", "{{.Name}}").split():
        host.ok("run", "--rm", "--network", "n", "busybox", "true")
        host.ok("network", "rm", "n")
    host.ok("network", "create", "n")


def test_what_a_cut_off_bootstrap_left_is_deleted(host: Instance) -> None:
    host.end_daemon(signal.SIGKILL)
    left = host.state / "cache/bootstrap/work-0123456789abcdef"
    (left / "root").mkdir(parents=True)
    (left / "root/file").write_text("half of an image")
    host.ok("version")
    host.end_daemon()  # an orderly end waits for work in the background
    assert not left.exists()


def test_killed_keeper_takes_its_guest_along(host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "600")
    view = inspect(host, "g")
    first = os.pidfd_open(int(host.ok("inspect", "-f", "{{.State.Pid}}", "g")))
    os.kill(int(str(view["keeper_pid"])), signal.SIGKILL)
    host.ok("wait", "g")
    assert state(host, "g") == "exited"
    assert "keeper" in host.ok("inspect", "-f", "{{.State.Error}}", "g")
    assert select.select([first], [], [], 20)[0], "the guest outlived its keeper"
    os.close(first)
    host.ok("start", "g")
    assert state(host, "g") == "running"


def end_as_the_host_does(host: Instance, *guests: str) -> None:
    """What a reboot leaves of running guests: no processes, no mounts, nothing in the run folder."""
    pids = [
        int(host.ok("inspect", "-f", form, guest)) for guest in guests for form in ("{{.KeeperPid}}", "{{.State.Pid}}")
    ]
    host.end_daemon(signal.SIGKILL)
    watched = [os.pidfd_open(pid) for pid in pids]
    for process in watched:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
    for process in watched:
        assert select.select([process], [], [], 20)[0]
        os.close(process)
    for point in mounts(host):
        unmount(point, lazy=True)
    shutil.rmtree(host.run / "g")


def test_reboot_ends_guests_and_removes_those_that_were_to_go(host: Instance) -> None:
    host.ok("run", "-d", "--rm", "--name", "brief", "-v", "/data", "busybox", "sleep", "600")
    host.ok("run", "-d", "--name", "stays", "busybox", "sleep", "600")
    host.ok("run", "-d", "--name", "again", "--restart", "unless-stopped", "busybox", "sleep", "600")
    end_as_the_host_does(host, "brief", "stays", "again")
    assert set(host.ok("ps", "-a", "--format", "{{.Names}}").split()) == {"stays", "again"}
    assert host.ok("volume", "ls", "-q") == ""
    assert len(list((host.state / "guests").iterdir())) == 2
    assert host.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "stays") == "exited 137"
    until_running(host, "again")
    host.ok("start", "stays")
    host.ok("run", "--rm", "--name", "brief", "busybox", "true")


def until_running(host: Instance, guest: str) -> None:
    deadline = time.monotonic() + 20
    while state(host, guest) != "running":
        assert time.monotonic() < deadline, f"{guest} does not run"


def test_daemon_starts_what_a_user_stopped_where_the_policy_is_always(host: Instance) -> None:
    for policy in ("always", "unless-stopped"):
        host.ok("run", "-d", "--name", policy, "--restart", policy, "busybox", "sleep", "600")
    host.ok("create", "--name", "new", "--restart", "always", "busybox", "sleep", "600")
    host.ok("stop", "-t", "0", "always", "unless-stopped")
    assert (state(host, "always"), state(host, "unless-stopped")) == ("exited", "exited")
    host.end_daemon()
    until_running(host, "always")
    assert (state(host, "unless-stopped"), state(host, "new")) == ("exited", "created")


def test_killed_zygote_is_replaced(host: Instance) -> None:
    host.ok("run", "--rm", "busybox", "true")
    daemon = str(host.daemon_pid())
    named = [path.parent for path in Path("/proc").glob("[0-9]*/comm") if path.read_text() == "wirt-zygote\n"]
    [zygote] = [int(path.name) for path in named if (path / "stat").read_text().rsplit(")", 1)[1].split()[1] == daemon]
    os.kill(zygote, signal.SIGKILL)
    assert host.ok("run", "--rm", "busybox", "echo", "works") == "works"


def test_second_daemon_on_the_same_state_is_refused(host: Instance, tmp_path: Path) -> None:
    host.ok("ps")
    env = dict(host.env)
    host.env["WIRT_RUN"] = str(host.folder / "r2")
    done = host.wirt("daemon")
    host.env.update(env)
    assert done.code == 125
    assert "another daemon uses" in done.err
