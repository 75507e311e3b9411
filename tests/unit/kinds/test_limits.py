"""Limits a guest may have, and what becomes of those a host has not."""

from __future__ import annotations

import dataclasses
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt import errors
from wirt.abi import oci_runtime as oci
from wirt.abi.linux.capability import CAPABILITIES
from wirt.kinds import capabilities, limits
from wirt.kinds.facts import Facts, number_set
from wirt.model.guest import GuestSpec, Resources, Ulimit

MIB = 1 << 20


def test_nothing_asked_is_nothing_set(facts: Facts) -> None:
    assert limits.resources(Resources(), facts) == (oci.Resources(), ())


def test_every_limit_becomes_the_cgroups(facts: Facts) -> None:
    wanted = Resources(
        memory=64 * MIB,
        memory_swap=128 * MIB,
        memory_reservation=32 * MIB,
        cpus=0.5,
        cpu_shares=512,
        cpuset_cpus="0-1,3",
        cpuset_mems="0",
        pids_limit=50,
    )
    made, warnings = limits.resources(wanted, facts)
    assert made.memory == oci.Memory(limit=64 * MIB, swap=128 * MIB, reservation=32 * MIB)
    assert made.cpu == oci.Cpu(shares=512, quota=50_000, period=100_000, cpus="0-1,3", mems="0")
    assert made.pids == oci.Pids(50)
    assert warnings == ()


def test_swap_is_as_much_as_memory_unless_said_otherwise(facts: Facts) -> None:
    assert limits.resources(Resources(memory=64 * MIB), facts)[0].memory == oci.Memory(limit=64 * MIB, swap=128 * MIB)
    unlimited, _ = limits.resources(Resources(memory=64 * MIB, memory_swap=-1), facts)
    assert unlimited.memory == oci.Memory(limit=64 * MIB, swap=-1)


@pytest.mark.parametrize("pids", [-1, -7])
def test_no_limit_on_processes_is_minus_one(facts: Facts, pids: int) -> None:
    assert limits.resources(Resources(pids_limit=pids), facts)[0].pids == oci.Pids(-1)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Resources(memory=6 * MIB - 1), "the minimum is 6 MiB"),
        (Resources(memory_swap=64 * MIB), "--memory-swap needs --memory"),
        (Resources(memory=64 * MIB, memory_swap=32 * MIB), "--memory-swap is less than --memory"),
        (Resources(memory=64 * MIB, memory_reservation=65 * MIB), "--memory-reservation is more than --memory"),
        (Resources(cpus=0.001), "--cpus 0.001: use 0.01 to 4"),
        (Resources(cpus=5), "this host has 4"),
        (Resources(cpu_shares=1), "--cpu-shares 1: use 2 to 262144"),
        (Resources(cpuset_cpus="7"), "--cpuset-cpus 7: not available"),
        (Resources(cpuset_cpus="0-"), "--cpuset-cpus 0-: this is no list of numbers"),
        (Resources(cpuset_mems="a"), "--cpuset-mems a: this is no list of numbers"),
    ],
)
def test_the_impossible_is_refused(facts: Facts, wanted: Resources, message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        limits.resources(wanted, facts)


def test_without_swap_accounting_only_what_was_asked_is_mentioned(facts: Facts) -> None:
    bare = dataclasses.replace(facts, swap_accounting=False)
    assert limits.resources(Resources(memory=64 * MIB), bare) == (oci.Resources(memory=oci.Memory(limit=64 * MIB)), ())
    made, [warning] = limits.resources(Resources(memory=64 * MIB, memory_swap=65 * MIB), bare)
    assert made.memory == oci.Memory(limit=64 * MIB)
    assert "--memory-swap is ignored" in warning


def test_without_controllers_limits_are_left_out_aloud(facts: Facts) -> None:
    bare = dataclasses.replace(facts, controllers=frozenset())
    wanted = Resources(memory=64 * MIB, cpus=1, cpuset_cpus="0", pids_limit=5)
    made, warnings = limits.resources(wanted, bare)
    assert made == oci.Resources()
    assert [warning.split(" ")[0] for warning in warnings] == ["--memory", "--cpus", "--cpuset-cpus", "--pids-limit"]


# -- ulimits ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("every_capability")
def test_ulimits_become_rlimits() -> None:
    made, warnings = limits.rlimits((Ulimit("nofile", 100, 200), Ulimit("core", 0, -1)))
    assert made == (oci.Rlimit("RLIMIT_NOFILE", 200, 100), oci.Rlimit("RLIMIT_CORE", (1 << 64) - 1, 0))
    assert warnings == ()


def test_ulimits_are_lowered_to_what_we_may_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "available", lambda: tuple(set(CAPABILITIES) - {"CAP_SYS_RESOURCE"}))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    [made], [warning] = limits.rlimits((Ulimit("nofile", -1, -1),))
    assert made == oci.Rlimit("RLIMIT_NOFILE", hard, hard)
    assert f"--ulimit nofile: lowered to {hard}" in warning


@pytest.mark.parametrize(
    ("ulimit", "message"),
    [
        (Ulimit("files", 1, 1), "no such limit"),
        (Ulimit("nofile", 30, 20), "above the hard one"),
        (Ulimit("cpu", -1, 1), "above"),
    ],
)
def test_ulimits_that_make_no_sense_are_refused(ulimit: Ulimit, message: str) -> None:
    with pytest.raises(errors.InvalidInput, match=message):
        limits.rlimits((ulimit,))


# -- sysctls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["net.core.somaxconn", "kernel.shmmax", "kernel.msgmax", "fs.mqueue.msg_max", "kernel.domainname"]
)
def test_sysctls_of_namespaces_pass(name: str) -> None:
    limits.check_sysctls(GuestSpec(image="", sysctls={name: "1"}))


@pytest.mark.parametrize("name", ["kernel.panic", "vm.swappiness", "fs.file-max", "kernel.hostname", "netx.y"])
def test_sysctls_of_the_host_are_refused(name: str) -> None:
    with pytest.raises(errors.InvalidInput, match=f"--sysctl {name}: it is not a guest's own"):
        limits.check_sysctls(GuestSpec(image="", sysctls={name: "1"}))


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("net.core.somaxconn", {"network": "host"}),
        ("kernel.shmmax", {"ipc_mode": "host"}),
        ("kernel.domainname", {"uts_mode": "host"}),
    ],
)
def test_sysctls_of_a_shared_namespace_are_refused(name: str, members: dict[str, str]) -> None:
    with pytest.raises(errors.InvalidInput, match="it would change the host"):
        limits.check_sysctls(GuestSpec(image="", sysctls={name: "1"}, **members))  # type: ignore[arg-type]


# -- lists of numbers ---------------------------------------------------------------------------------------------


@given(st.frozensets(st.integers(0, 300)))
def test_number_sets_read_what_was_written(numbers: frozenset[int]) -> None:
    assert number_set(",".join(map(str, sorted(numbers)))) == numbers


@pytest.mark.parametrize("text", ["a", "1-", "-1", "3-1", "0-99999999", "1,,2", "1 2", "1_0", "+1", "\u0661"])
def test_number_sets_refuse_everything_else(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number_set(text)
