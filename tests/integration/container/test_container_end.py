"""Signals, ends, and that nothing is left of a guest."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from framework.containers import ContainerHost, Program
from wirt import errors
from wirt.container.container import ContainerRuntime
from wirt.host.cgroup import host_layout
from wirt.host.mount import mount, unmount
from wirt.model.finding import Level

pytestmark = pytest.mark.root


@pytest.mark.parametrize(("name", "status"), [("KILL", 137), ("SIGTERM", 3), ("15", 3), ("RTMIN+1", 4)])
def test_signals_reach_the_first_process(host: ContainerHost, name: str, status: int) -> None:
    number = signal.SIGRTMIN + 1
    script = f"trap 'exit 3' TERM; trap 'exit 4' {number}; echo ready; while :; do sleep 0.05; done"
    with host.started("sh", "-c", script) as (guest, program):
        program.read_until("ready")
        host.runtime.kill(guest, name)
        assert program.wait() == status


def test_a_signal_nobody_waits_for_is_ignored_by_a_first_process(host: ContainerHost) -> None:
    with host.started("sh", "-c", "echo ready; cat") as (guest, program):
        program.read_until("ready")
        host.runtime.kill(guest, "TERM")
        assert host.execute(guest, "true")[0] == 0
        host.runtime.kill(guest, "KILL")
        assert program.wait() == 137


def test_a_signal_to_everyone_reaches_everyone(host: ContainerHost) -> None:
    script = "trap 'wait; exit 5' USR1; sh -c 'echo ready; exec sleep 1000' & wait; exit 6"
    with host.started("sh", "-c", script) as (guest, program):
        program.read_until("ready")
        host.runtime.kill(guest, "USR1", everyone=True)
        assert program.wait() == 5


def test_a_signal_for_the_dead_is_refused(host: ContainerHost) -> None:
    with host.started("true") as (guest, program):
        program.wait()
        with pytest.raises(errors.Conflict, match="is not running"):
            host.runtime.kill(guest, "TERM")
        # Nor is whoever has the number now.
        with pytest.raises(errors.Conflict, match="is not running"):
            host.runtime.kill(replace(guest, pid=1), "CONT")


def test_no_signal_is_refused(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _), pytest.raises(errors.InvalidInput, match="no such signal"):
        host.runtime.kill(guest, "FOO")


def test_nothing_is_left_of_a_deleted_guest(host: ContainerHost) -> None:
    with host.started("true") as (guest, program):
        program.wait()
        assert len(host.traces(guest.id)) > 1
        assert host.runtime.exists(guest.id)
        host.runtime.delete(guest.id)
        assert host.traces(guest.id) == []
        assert not host.runtime.exists(guest.id)
        host.runtime.delete(guest.id)  # once more is no error


def test_a_running_guest_is_deleted_by_force_only(host: ContainerHost) -> None:
    with host.started("sh", "-c", "sleep 1000 & sleep 1000 & echo ready; cat") as (guest, program):
        program.read_until("ready")
        with pytest.raises(errors.Conflict, match="still runs"):
            host.runtime.delete(guest.id)
        assert len(host.runtime.pids(guest.id)) == 3
        host.runtime.delete(guest.id, force=True)
        assert program.wait() == 137
        assert host.traces(guest.id) == []


def test_cgroups_that_a_guest_made_go_with_it(host: ContainerHost) -> None:
    script = "cd /sys/fs/cgroup; [ -d pids ] && cd pids; mkdir -p a/b && echo $$ > a/b/cgroup.procs; echo ready; cat"
    with host.started("sh", "-c", script, privileged=True) as (guest, program):
        program.read_until("ready")
        host.runtime.delete(guest.id, force=True)
        assert program.wait() == 137
        assert host.traces(guest.id) == []


def test_guests_with_the_hosts_processes_end_whole(host: ContainerHost) -> None:
    script = "sleep 1000 <&- >&- 2>&- & echo ready; cat"
    with host.started("sh", "-c", script, launch={"pid_ns": "host"}) as (guest, program):
        program.read_until("ready")
        program.output()  # cat ends, sleep does not
        assert program.wait() == 0
        assert len(host.runtime.pids(guest.id)) == 1
        host.runtime.delete(guest.id, force=True)
        assert host.traces(guest.id) == []


def test_recovery_takes_away_whom_nobody_knows(host: ContainerHost) -> None:
    with host.started("cat") as (known, program), host.started("cat") as (lost, other):
        later = ContainerRuntime(
            host.folder / "state", host.folder / "run", order=(host.name,), cgroup_parent=host.parent
        )
        assert later.recover([known.id]) == [lost.id]
        assert other.wait() == 137
        assert host.traces(lost.id) == []
        assert later.pids(known.id) == [program.pid]
        assert later.recover([known.id]) == []


def test_a_later_daemon_works_on_an_earlier_ones_guests(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _):
        both = tuple(sorted({"crun", "runc"}, key=lambda name: name == host.name))  # prefers the other one
        later = ContainerRuntime(host.folder / "later", host.folder / "run", order=both, cgroup_parent=host.parent)
        later.pause(guest.id)
        later.resume(guest.id)
        assert later.pids(guest.id) == [guest.pid]


def test_many_at_once(host: ContainerHost) -> None:
    """The runtime object is shared by threads; each guest by one at a time."""

    def one(number: int) -> tuple[int, str]:
        status, out, _ = host.run("sh", "-c", f"echo {number}; exit {number}")
        return status, out

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(12))) == [(number, f"{number}\n") for number in range(12)]


def test_closing_removes_the_parent_unless_guests_are_left(host: ContainerHost) -> None:
    folders = [Path(folder) for folder in host_layout().folders(host.parent)]
    with host.started("cat"):
        host.runtime.close()
        assert any(folder.exists() for folder in folders)
    host.runtime.close()
    assert not any(folder.exists() for folder in folders)
    assert host.ok("echo", "fine") == "fine"


def test_doctor_finds_this_runtime_working(host: ContainerHost) -> None:
    found = {finding.subject: finding for finding in host.runtime.probe()}
    assert found[f"OCI runtime {host.name}"].level is Level.OK
    assert {"cgroups", "seccomp", "AppArmor", "CRIU", "open files", "processes"} <= set(found)
    assert host.name in host.runtime.description


def test_a_bundle_that_does_not_fit_is_told(host: ContainerHost) -> None:
    """On a file system that is full."""
    full = host.folder / "full"
    full.mkdir()
    mount("tmpfs", str(full), "tmpfs", data="size=4k")
    try:
        launch = replace(host.launch("true"), bundle=str(full / "bundle"))
        with pytest.raises(errors.OutOfSpace):
            host.runtime.prepare(launch)
        assert host.traces(launch.guest.id) == []
    finally:
        unmount(str(full))
        full.rmdir()


def test_the_program_is_only_started_once_prepared(host: ContainerHost) -> None:
    launch = host.launch("true")
    plan = host.runtime.prepare(launch)
    assert Path(plan.argv[0]).is_absolute()
    assert not Path(plan.pid_file).exists()
    program = Program(plan)
    assert program.wait() == 0
    program.close()
    host.runtime.delete(launch.guest.id)
