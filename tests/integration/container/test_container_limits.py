"""Limits hold, can be changed, and what is used can be seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.containers import PATIENCE, ContainerHost
from wirt import errors
from wirt.host.cgroup import host_layout
from wirt.model.guest import ExecSpec, Guest, Resources
from wirt.model.host import Stats

pytestmark = pytest.mark.root

MIB = 1 << 20
HUNGRY = "dd if=/dev/zero of=/dev/null bs=200M count=1"
BUSY = "echo busy; while :; do :; done"


def until(host: ContainerHost, guest: Guest, true: Callable[[Stats], bool]) -> Stats:
    """Samples until one satisfies; the kernel announces none of what they hold."""
    deadline = time.monotonic() + PATIENCE
    while not true(sample := host.runtime.stats(guest)):
        assert time.monotonic() < deadline, sample
        time.sleep(0.01)
    return sample


def limit(host: ContainerHost, guest: Guest, controller: str, *names: str) -> str:
    """A limit as the kernel holds it; the first of ``names`` that is there."""
    folder = host_layout().folder(host.runtime.cgroup_path(guest.id), controller)
    return next(Path(folder, name).read_text().strip() for name in names if Path(folder, name).exists())


def test_memory_is_limited_and_the_killing_noticed(host: ContainerHost) -> None:
    with host.started("sh", "-c", HUNGRY, resources=Resources(memory=20 * MIB, memory_swap=20 * MIB)) as (
        guest,
        program,
    ):
        assert program.wait() == 137
        assert host.runtime.oom_killed(guest.id)
        host.runtime.delete(guest.id)
        assert not host.runtime.oom_killed(guest.id)  # the answer went with the cgroup


def test_the_killing_of_a_child_is_noticed_too(host: ContainerHost) -> None:
    with host.started("sh", "-c", f"{HUNGRY}; exit 3", resources=Resources(memory=20 * MIB)) as (guest, program):
        assert program.wait() == 3
        assert host.runtime.oom_killed(guest.id)


def test_a_kill_is_not_taken_for_want_of_memory(host: ContainerHost) -> None:
    with host.started("cat", resources=Resources(memory=20 * MIB)) as (guest, program):
        host.runtime.kill(guest, "KILL")
        assert program.wait() == 137
        assert not host.runtime.oom_killed(guest.id)


def test_processes_are_limited(host: ContainerHost) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do sleep 100 & done; echo all"
    status, out, err = host.run("sh", "-c", script, resources=Resources(pids_limit=5))
    assert (status, out) == (2, "")
    assert "can't fork" in err


def test_processors_are_limited(host: ContainerHost) -> None:
    with host.started("sh", "-c", BUSY, resources=Resources(cpus=0.1, cpu_shares=512)) as (guest, program):
        program.read_until("busy")
        sample = until(host, guest, lambda sample: sample.throttled_seconds > 0)
        assert sample.cpu_seconds < 5


def test_processors_are_chosen(host: ContainerHost) -> None:
    out = host.ok("grep", "Cpus_allowed_list", "/proc/self/status", resources=Resources(cpuset_cpus="0"))
    assert out.split() == ["Cpus_allowed_list:", "0"]


def test_limits_reach_the_kernel(host: ContainerHost) -> None:
    wanted = Resources(memory=64 * MIB, memory_reservation=32 * MIB, pids_limit=50)
    with host.started("cat", resources=wanted) as (guest, _):
        assert limit(host, guest, "memory", "memory.max", "memory.limit_in_bytes") == str(64 * MIB)
        assert limit(host, guest, "memory", "memory.low", "memory.soft_limit_in_bytes") == str(32 * MIB)
        assert limit(host, guest, "pids", "pids.max") == "50"


def test_limits_change_while_it_runs(host: ContainerHost) -> None:
    with host.started("cat", resources=Resources(memory=64 * MIB)) as (guest, _):
        for size in (128, 32, 256):
            assert host.runtime.update(guest.id, Resources(memory=size * MIB, pids_limit=size)) == ()
            sample = host.runtime.stats(guest)
            assert (sample.memory_limit, sample.pids_limit) == (size * MIB, size)


def test_a_limit_that_cannot_be_is_one_line(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _), pytest.raises(errors.InvalidInput, match="the minimum is 6 MiB"):
        host.runtime.update(guest.id, Resources(memory=1))


def test_update_of_nobody_is_refused(host: ContainerHost) -> None:
    with pytest.raises(errors.Conflict, match="is not running"):
        host.runtime.update("0" * 64, Resources(memory=64 * MIB))


def test_a_limit_too_low_to_start_is_told(host: ContainerHost) -> None:
    """Less than the runtime's own first steps may take, though no less than we let through."""
    with host.started("cat", resources=Resources(memory=6 * MIB, memory_swap=6 * MIB)) as (_, program):
        if program.failed:
            assert "memory" in host.runtime.explain(program.complaint, "cat").hint


# -- stats and top --------------------------------------------------------------------------------------------------


def test_stats_show_what_is_used(host: ContainerHost) -> None:
    script = "head -c 30000000 /dev/zero > /dev/shm/x; echo full; cat"
    with host.started("sh", "-c", script, resources=Resources(memory=128 * MIB)) as (guest, program):
        program.read_until("full")
        sample = until(host, guest, lambda sample: sample.memory_usage > 25_000_000)
        assert (sample.id, sample.name) == (guest.id, guest.name)
        assert sample.memory_limit == 128 * MIB
        assert 0 < sample.cpu_seconds < 10 < sample.cpu_system_seconds
        assert sample.pids in (1, 2)


def test_stats_of_a_guest_that_ended_are_its_last(host: ContainerHost) -> None:
    with host.started("true") as (guest, program):
        program.wait()
        sample = host.runtime.stats(guest)
        assert sample.cpu_seconds > 0
        assert sample.pids == 0


def test_top_shows_the_guests_processes(host: ContainerHost) -> None:
    with host.started("sh", "-c", "sleep 1000 & echo ready; cat") as (guest, program):
        program.read_until("ready")
        view = host.runtime.top(guest.id, "-eo pid,args")
        commands = {row[1] for row in view.processes}
        assert {"sleep 1000", "cat"} <= commands
        assert {row[0] for row in view.processes} == {str(pid) for pid in host.runtime.pids(guest.id)}


# -- pause ----------------------------------------------------------------------------------------------------------


def test_paused_means_not_one_step(host: ContainerHost) -> None:
    with host.started("sh", "-c", BUSY) as (guest, program):
        program.read_until("busy")
        host.runtime.pause(guest.id)
        before = host.runtime.stats(guest).cpu_seconds
        assert host.runtime.stats(guest).cpu_seconds == before
        host.runtime.resume(guest.id)
        until(host, guest, lambda sample: sample.cpu_seconds > before)


def test_the_paused_can_be_killed(host: ContainerHost) -> None:
    with host.started("cat") as (guest, program):
        host.runtime.pause(guest.id)
        host.runtime.kill(guest, "KILL")
        assert program.wait() == 137


def test_the_paused_can_be_deleted(host: ContainerHost) -> None:
    with host.started("cat") as (guest, program):
        host.runtime.pause(guest.id)
        host.runtime.delete(guest.id, force=True)
        assert program.wait() == 137
        assert host.traces(guest.id) == []


def test_pause_is_for_the_running_and_may_be_repeated(host: ContainerHost) -> None:
    with host.started("cat") as (guest, program):
        host.runtime.pause(guest.id)
        host.runtime.pause(guest.id)
        host.runtime.resume(guest.id)
        assert host.execute(guest, "true")[0] == 0
        host.runtime.kill(guest, "KILL")
        program.wait()
        with pytest.raises(errors.Conflict, match="is not running"):
            host.runtime.pause(guest.id)


def test_exec_in_a_paused_guest_is_told(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _):
        host.runtime.pause(guest.id)
        with host.executed(guest, ExecSpec(command=("true",))) as program:
            assert program.failed
            assert "paused" in str(host.runtime.explain(program.complaint, "true"))
