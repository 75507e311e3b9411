"""Limits of micro guests, in folders that look like control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from wirt import errors
from wirt.abi.oci_runtime import Cpu, Memory, Pids, Resources
from wirt.host.cgroup import CgroupLayout, Hierarchy
from wirt.micro import groups

PATH = "/wirt/guest"
MIB = 1 << 20


def hierarchy(folder: Path, *controllers: str, unified: bool = False) -> Hierarchy:
    folder.mkdir()
    return Hierarchy(str(folder), frozenset(controllers), unified=unified)


def fill(folder: Path, *names: str) -> None:
    """The files that the kernel makes with a cgroup."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


@pytest.fixture
def v1(tmp_path: Path) -> CgroupLayout:
    names = ("cpu", "memory", "pids", "freezer", "cpuset", "name=systemd")
    layout = CgroupLayout(tuple(hierarchy(tmp_path / name, name) for name in names))
    fill(
        tmp_path / "memory/wirt/guest", *(f"memory.{name}_in_bytes" for name in ("limit", "memsw.limit", "soft_limit"))
    )
    fill(tmp_path / "cpu/wirt/guest", "cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us")
    fill(tmp_path / "pids/wirt/guest", "pids.max")
    for level, contents in (("", "0-3"), ("wirt", ""), ("wirt/guest", "")):
        fill(tmp_path / "cpuset" / level, "cpuset.cpus", "cpuset.mems", "cgroup.procs")
        (tmp_path / "cpuset" / level / "cpuset.cpus").write_text(contents)
        (tmp_path / "cpuset" / level / "cpuset.mems").write_text("0" if contents else "")
    return layout


@pytest.fixture
def v2(tmp_path: Path) -> CgroupLayout:
    layout = CgroupLayout((hierarchy(tmp_path / "v2", "cpu", "memory", "pids", unified=True),))
    for level in ("", "wirt"):
        fill(tmp_path / "v2" / level, "cgroup.subtree_control", "cgroup.controllers")
        (tmp_path / "v2" / level / "cgroup.controllers").write_text("cpu memory")
    files = ("memory.max", "memory.swap.max", "memory.low", "cpu.weight", "cpu.max", "pids.max")
    fill(tmp_path / "v2/wirt/guest", *files)
    return layout


def test_v1_is_joined_as_a_thread_where_it_counts(v1: CgroupLayout, tmp_path: Path) -> None:
    doors = groups.make(v1, PATH, Resources())
    assert doors == tuple(
        f"{tmp_path}/{name}/wirt/guest/tasks" for name in ("cpu", "memory", "pids", "freezer", "cpuset")
    )


def test_v1_limits(v1: CgroupLayout, tmp_path: Path) -> None:
    wanted = Resources(memory=Memory(64 * MIB, 32 * MIB, 128 * MIB), cpu=Cpu(512, 50_000, 100_000), pids=Pids(20))
    groups.make(v1, PATH, wanted)
    told = {path.name: path.read_text() for path in tmp_path.glob("*/wirt/guest/*") if path.is_file()}
    assert told["memory.limit_in_bytes"] == str(64 * MIB)
    assert told["memory.memsw.limit_in_bytes"] == str(128 * MIB)
    assert told["memory.soft_limit_in_bytes"] == str(32 * MIB)
    assert (told["cpu.shares"], told["cpu.cfs_period_us"], told["cpu.cfs_quota_us"]) == ("512", "100000", "50000")
    assert told["pids.max"] == "20"


def test_v1_sets_of_processors_start_with_those_above(v1: CgroupLayout, tmp_path: Path) -> None:
    groups.make(v1, PATH, Resources(cpu=Cpu(cpus="1")))
    assert (tmp_path / "cpuset/wirt/cpuset.cpus").read_text() == "0-3"
    assert (tmp_path / "cpuset/wirt/guest/cpuset.cpus").read_text().startswith("1")
    assert (tmp_path / "cpuset/wirt/guest/cpuset.mems").read_text() == "0"


def test_v2_limits(v2: CgroupLayout, tmp_path: Path) -> None:
    wanted = Resources(memory=Memory(64 * MIB, 32 * MIB, 96 * MIB), cpu=Cpu(1024, 50_000, 100_000), pids=Pids(-1))
    assert groups.make(v2, PATH, wanted) == (f"{tmp_path}/v2/wirt/guest/cgroup.procs",)
    told = {path.name: path.read_text() for path in (tmp_path / "v2/wirt/guest").iterdir()}
    assert (told["memory.max"], told["memory.swap.max"], told["memory.low"]) == (
        str(64 * MIB),
        str(32 * MIB),
        str(32 * MIB),
    )
    assert (told["cpu.weight"], told["cpu.max"], told["pids.max"]) == ("39", "50000 100000", "max")


def test_v2_passes_controllers_on(v2: CgroupLayout, tmp_path: Path) -> None:
    groups.make(v2, PATH, Resources())
    for level in ("", "wirt"):
        assert (tmp_path / "v2" / level / "cgroup.subtree_control").read_text() == "+memory"  # what came last


def test_a_limit_the_kernel_refuses_is_named(v1: CgroupLayout, tmp_path: Path) -> None:
    (tmp_path / "pids/wirt/guest/pids.max").unlink()
    with pytest.raises(errors.RuntimeFailure, match=r"set pids.max to 20"):
        groups.make(v1, PATH, Resources(pids=Pids(20)))
