"""Cgroups of every mode, read from folders laid out as the kernel lays them out; real ones in the integration tests."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wirt.host import cgroup
from wirt.host.cgroup import CgroupLayout, CgroupMode, Hierarchy

V1 = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / {top}/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / {top}/memory rw,relatime - cgroup cgroup rw,memory
39 31 0:36 / {top}/pids rw,relatime - cgroup cgroup rw,pids
44 31 0:36 / /elsewhere/pids rw,relatime - cgroup cgroup rw,pids
38 31 0:35 / {top}/blkio rw,relatime - cgroup cgroup rw,blkio
40 31 0:37 / {top}/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/lib/agent,name=systemd
"""
V2_LINE = "41 31 0:38 / {top}/unified rw,relatime shared:3 - cgroup2 cgroup2 rw,nsdelegate\n"


def layout(tmp_path: Path, mountinfo: str, controllers: str = "") -> CgroupLayout:
    """What ``read_layout`` makes of ``mountinfo``, its mount points below ``tmp_path``."""
    for name in ("cpu,cpuacct", "memory", "pids", "blkio", "systemd", "unified"):
        (tmp_path / name).mkdir()
    (tmp_path / "unified" / "cgroup.controllers").write_text(controllers)
    file = tmp_path / "mountinfo"
    file.write_text(mountinfo.format(top=tmp_path))
    return cgroup.read_layout(str(file))


def write(folder: str, **files: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        Path(folder, name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(
    ("mountinfo", "controllers", "mode"),
    [(V1, "", CgroupMode.V1), (V1 + V2_LINE, "hugetlb", CgroupMode.HYBRID), (V2_LINE, "cpu memory", CgroupMode.V2)],
)
def test_layout_knows_the_mode(tmp_path: Path, mountinfo: str, controllers: str, mode: CgroupMode) -> None:
    assert layout(tmp_path, mountinfo, controllers).mode is mode


def test_layout_names_controllers_without_flags_and_named_hierarchies(tmp_path: Path) -> None:
    found = layout(tmp_path, V1 + V2_LINE, "hugetlb misc")
    assert found.controllers == {"cpu", "cpuacct", "memory", "pids", "blkio", "hugetlb", "misc"}
    assert any("name=systemd" in hierarchy.controllers for hierarchy in found.hierarchies)


def test_layout_counts_a_hierarchy_mounted_twice_once(tmp_path: Path) -> None:
    folders = layout(tmp_path, V1).folders("/wirt/a")
    assert len(folders) == 5
    assert not any(folder.startswith("/elsewhere") for folder in folders)


def test_folder_is_of_v1_where_the_controller_is_mounted_there(tmp_path: Path) -> None:
    found = layout(tmp_path, V1 + V2_LINE, "hugetlb")
    assert found.folder("/wirt/a", "cpuacct") == f"{tmp_path}/cpu,cpuacct/wirt/a"
    assert found.folder("/wirt/a", "hugetlb") == f"{tmp_path}/unified/wirt/a"


def test_folder_is_nowhere_without_a_hierarchy() -> None:
    assert CgroupLayout(()).folder("/a", "memory") == ""


def test_usage_of_v1_comes_from_each_controller(tmp_path: Path) -> None:
    found = layout(tmp_path, V1)
    write(f"{tmp_path}/cpu,cpuacct/g", cpu__stat="nr_periods 5\nthrottled_time 1500000000\n")
    write(f"{tmp_path}/cpu,cpuacct/g", cpuacct__usage="2500000000\n")
    write(f"{tmp_path}/memory/g", memory__usage_in_bytes="1000\n", memory__limit_in_bytes="4096\n")
    write(f"{tmp_path}/memory/g", memory__stat="inactive_file 1\ntotal_inactive_file 300\n")
    write(f"{tmp_path}/pids/g", pids__current="3\n", pids__max="max\n")
    throttle = "8:0 Read 100\n8:0 Write 50\n8:0 Total 150\n8:16 Read 1\nTotal 151\n"
    write(f"{tmp_path}/blkio/g", **{"blkio__throttle__io_service_bytes_recursive": throttle})
    usage = cgroup.read_usage(found, "/g")
    assert (usage.cpu_seconds, usage.throttled_seconds) == pytest.approx((2.5, 1.5))
    assert (usage.memory, usage.memory_limit, usage.pids, usage.pids_limit) == (700, 4096, 3, 0)
    assert (usage.block_read, usage.block_write) == (101, 50)


def test_usage_of_v2_comes_from_one_folder(tmp_path: Path) -> None:
    found = layout(tmp_path, V2_LINE, "cpu io memory pids")
    write(f"{tmp_path}/unified/g", cpu__stat="usage_usec 2500000\nuser_usec 1\nthrottled_usec 500000\n")
    write(f"{tmp_path}/unified/g", memory__current="1000\n", memory__max="max\n", memory__stat="inactive_file 400\n")
    write(f"{tmp_path}/unified/g", pids__current="3\n", pids__max="7\n")
    write(f"{tmp_path}/unified/g", io__stat="8:0 rbytes=10 wbytes=5 rios=1\n8:16 rbytes=1 wbytes=2\n259:0 \n")
    usage = cgroup.read_usage(found, "/g")
    assert (usage.cpu_seconds, usage.throttled_seconds) == pytest.approx((2.5, 0.5))
    assert (usage.memory, usage.memory_limit, usage.pids, usage.pids_limit) == (600, 0, 3, 7)
    assert (usage.block_read, usage.block_write) == (11, 7)


def test_usage_takes_the_largest_v1_limit_for_none(tmp_path: Path) -> None:
    found = layout(tmp_path, V1)
    write(f"{tmp_path}/memory/g", memory__limit_in_bytes="9223372036854771712\n")
    assert cgroup.read_usage(found, "/g").memory_limit == 0


def test_usage_of_nothing_is_nothing(tmp_path: Path) -> None:
    assert cgroup.read_usage(layout(tmp_path, V1 + V2_LINE, "hugetlb"), "/g") == cgroup.CgroupUsage()
    assert cgroup.read_usage(CgroupLayout(()), "/g") == cgroup.CgroupUsage()


@pytest.mark.parametrize(("text", "kills"), [("low 0\noom 1\noom_kill 2\n", 2), ("low 0\noom_kill 0\n", 0)])
def test_oom_kills_of_v2(tmp_path: Path, text: str, kills: int) -> None:
    write(f"{tmp_path}/unified/g", memory__events=text)
    assert cgroup.oom_kills(layout_v2(tmp_path), "/g") == kills


def layout_v2(tmp_path: Path) -> CgroupLayout:
    return CgroupLayout((Hierarchy(f"{tmp_path}/unified", frozenset({"memory"}), unified=True),))


def test_oom_kills_of_v1(tmp_path: Path) -> None:
    write(f"{tmp_path}/memory/g", memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
    found = CgroupLayout((Hierarchy(f"{tmp_path}/memory", frozenset({"memory"})),))
    assert cgroup.oom_kills(found, "/g") == 1


# -- the host's own -----------------------------------------------------------------------------------------------


@pytest.fixture
def path() -> Iterator[str]:
    """A cgroup in every hierarchy of this host, with a child."""
    if os.geteuid():
        pytest.skip("needs root, to make cgroups")
    made = f"/wirt-test-{os.getpid()}"
    found = cgroup.host_layout()
    for folder in found.folders(f"{made}/child"):
        cgroup.make(folder)
    yield made
    cgroup.kill(found, made, 10.0)
    cgroup.remove(found, made, 10.0)


@pytest.fixture
def sleeper(path: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the child of that cgroup; not in v1's cpuset, which takes none before it is set up."""
    with subprocess.Popen(["sleep", "1000"]) as child:
        for hierarchy in cgroup.host_layout().hierarchies:
            if hierarchy.unified or "cpuset" not in hierarchy.controllers:
                Path(f"{hierarchy.mount}{path}/child/cgroup.procs").write_text(str(child.pid))
        yield child
        child.kill()


@pytest.mark.root
def test_pids_are_those_of_every_cgroup_below(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    assert cgroup.pids(cgroup.host_layout(), path) == [sleeper.pid]
    assert cgroup.children(cgroup.host_layout(), path) == {"child"}


@pytest.mark.root
def test_kill_ends_what_is_below_and_remove_takes_it_away(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    cgroup.kill(cgroup.host_layout(), path, 10.0)
    assert sleeper.poll() == -signal.SIGKILL  # dead when kill returns, not a moment later
    cgroup.remove(cgroup.host_layout(), path, 10.0)
    assert not cgroup.exists(cgroup.host_layout(), path)


@pytest.mark.root
def test_kill_ends_the_frozen_too(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    found = cgroup.host_layout()
    freezer = found.folder(f"{path}/child", "freezer")
    if found.mode is CgroupMode.V2:
        Path(freezer, "cgroup.freeze").write_text("1")
    else:
        Path(freezer, "freezer.state").write_text("FROZEN")
    cgroup.kill(found, f"{path}/child", 10.0)
    assert sleeper.poll() == -signal.SIGKILL


@pytest.mark.root
def test_remove_of_a_busy_cgroup_says_so(path: str, sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(OSError, match="busy"):
        cgroup.remove(cgroup.host_layout(), path, 0.0)
    assert sleeper.poll() is None


def test_remove_of_nothing_is_no_error() -> None:
    cgroup.remove(cgroup.host_layout(), "/wirt-test-that-is-not-there", 0.0)


def test_thaw_where_nothing_freezes_is_no_error(tmp_path: Path) -> None:
    cgroup.thaw(CgroupLayout(()), "/g")
    write(f"{tmp_path}/unified/g", cgroup__procs="")
    cgroup.thaw(layout_v2(tmp_path), "/g")
    assert [file.name for file in (tmp_path / "unified" / "g").iterdir()] == ["cgroup.procs"]
