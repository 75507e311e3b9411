"""What is mounted in a guest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from wirt.abi.oci_runtime import MountEntry
from wirt.kinds.facts import Facts
from wirt.kinds.mounts import INIT_PATH, mounts, root_propagation
from wirt.model.guest import MountPoint, MountType
from wirt.model.launch import Launch

NewLaunch = Callable[..., Launch]


def by_place(entries: tuple[MountEntry, ...]) -> dict[str, MountEntry]:
    return {entry.destination: entry for entry in entries}


def points(*given: MountPoint) -> dict[str, Any]:
    return {"mounts": given}


def bind(place: str, **members: Any) -> MountPoint:
    return MountPoint(MountType.BIND, "/usr", place, **members)


def tmpfs(*options: str, read_only: bool = False) -> MountPoint:
    return MountPoint(MountType.TMPFS, "", "/t", options=options, read_only=read_only)


def test_defaults_are_dockers(new_launch: NewLaunch, facts: Facts) -> None:
    made = by_place(mounts(new_launch(), facts))
    assert list(made) == ["/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"]
    assert made["/dev/shm"].options == ("nosuid", "noexec", "nodev", "mode=1777", "size=67108864")
    assert "ro" in made["/sys"].options
    assert "ro" in made["/sys/fs/cgroup"].options


def test_shared_memory_is_as_large_as_asked(new_launch: NewLaunch, facts: Facts) -> None:
    assert "size=1048576" in by_place(mounts(new_launch(shm_size=1 << 20), facts))["/dev/shm"].options


def test_shared_memory_of_the_hosts_ipc_is_the_hosts(new_launch: NewLaunch, facts: Facts) -> None:
    made = by_place(mounts(new_launch(launch={"ipc_ns": "host"}), facts))
    assert (made["/dev/shm"].type, made["/dev/shm"].source) == ("bind", "/dev/shm")


def test_privileged_may_write_to_sys(new_launch: NewLaunch, facts: Facts) -> None:
    made = by_place(mounts(new_launch(privileged=True), facts))
    assert "ro" not in made["/sys"].options + made["/sys/fs/cgroup"].options


def test_asked_for_comes_last_and_in_order(new_launch: NewLaunch, facts: Facts) -> None:
    made = mounts(new_launch(launch=points(bind("/b"), bind("/a"))), facts)
    assert [entry.destination for entry in made[-2:]] == ["/b", "/a"]


def test_asked_for_takes_the_place_of_a_default(new_launch: NewLaunch, facts: Facts) -> None:
    made = mounts(new_launch(launch=points(bind("/dev/shm"))), facts)
    assert [entry.type for entry in made if entry.destination == "/dev/shm"] == ["bind"]


def test_a_dev_of_ones_own_takes_the_place_of_all_below(new_launch: NewLaunch, facts: Facts) -> None:
    places = [entry.destination for entry in mounts(new_launch(launch=points(bind("/dev"))), facts)]
    assert places == ["/proc", "/sys", "/sys/fs/cgroup", "/dev"]


@pytest.mark.parametrize(
    ("point", "options"),
    [
        (bind("/a"), ("rbind", "rprivate")),
        (bind("/a", read_only=True), ("rbind", "ro", "rro", "rprivate")),
        (bind("/a", propagation="rshared"), ("rbind", "rshared")),
        (bind("/a", options=("bind", "nosuid", "z", "rw")), ("bind", "rprivate", "nosuid")),
    ],
)
def test_bind_options(new_launch: NewLaunch, facts: Facts, point: MountPoint, options: tuple[str, ...]) -> None:
    assert mounts(new_launch(launch=points(point)), facts)[-1].options == options


def test_read_only_is_not_recursive_for_a_file(new_launch: NewLaunch, facts: Facts) -> None:
    file = MountPoint(MountType.BIND, __file__, "/a", read_only=True)
    assert mounts(new_launch(launch=points(file)), facts)[-1].options == ("rbind", "ro", "rprivate")


def test_read_only_is_not_recursive_on_an_old_kernel(new_launch: NewLaunch, facts: Facts) -> None:
    old = dataclasses.replace(facts, kernel=(5, 10))
    made = mounts(new_launch(launch=points(bind("/a", read_only=True))), old)
    assert made[-1].options == ("rbind", "ro", "rprivate")


@pytest.mark.parametrize(
    ("point", "options"),
    [
        (tmpfs(), ("noexec", "nosuid", "nodev")),
        (tmpfs("size=1m", "mode=700"), ("noexec", "nosuid", "nodev", "size=1m", "mode=700")),
        (tmpfs("exec", "dev"), ("nosuid", "exec", "dev")),
        (tmpfs("size=1m", "size=2m"), ("noexec", "nosuid", "nodev", "size=2m")),
        (tmpfs("rw", read_only=True), ("noexec", "nosuid", "nodev", "ro")),
    ],
)
def test_tmpfs_options(new_launch: NewLaunch, facts: Facts, point: MountPoint, options: tuple[str, ...]) -> None:
    assert mounts(new_launch(launch=points(point)), facts)[-1].options == options


def test_init_is_bound_where_it_is_started_from(new_launch: NewLaunch, facts: Facts) -> None:
    last = mounts(new_launch(launch={"init_path": "/usr/bin/tini-static"}), facts)[-1]
    assert last == MountEntry(INIT_PATH, "bind", "/usr/bin/tini-static", ("bind", "ro"))


@pytest.mark.parametrize(
    ("asked", "made"),
    [((), ""), (("rprivate",), ""), (("rslave",), "rslave"), (("slave", "shared"), "shared"), (("rshared",), "shared")],
)
def test_root_lets_mounts_travel_as_asked(asked: tuple[str, ...], made: str) -> None:
    assert root_propagation(tuple(bind("/a", propagation=word) for word in asked)) == made
