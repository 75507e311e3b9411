"""Fixtures: a host that is always the same, and guests to be laid out on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wirt.abi.linux.capability import CAPABILITIES
from wirt.host.cgroup import CgroupMode
from wirt.kinds import capabilities
from wirt.kinds.facts import Facts
from wirt.model.guest import Guest, GuestSpec
from wirt.model.launch import Launch

FACTS = Facts(
    kernel=(6, 1),
    machine="x86_64",
    cpus=4,
    cpu_set=frozenset(range(4)),
    memory_nodes=frozenset({0}),
    memory=8 << 30,
    controllers=frozenset({"cpu", "cpuset", "memory", "pids", "io"}),
    cgroup_mode=CgroupMode.V2,
    swap_accounting=True,
    apparmor=False,
    may_set_oom_score=True,
    thermal_paths=(),
)


@pytest.fixture
def facts() -> Facts:
    return FACTS


@pytest.fixture
def every_capability(monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that holds everything, whatever this one holds."""
    monkeypatch.setattr(capabilities, "available", lambda: CAPABILITIES)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """A guest's files: who is who, and nothing else."""
    etc = tmp_path / "rootfs" / "etc"
    etc.mkdir(parents=True)
    (etc / "passwd").write_text(
        "# who is who\nroot:x:0:0:root:/root:/bin/sh\n"
        "bob:x:1000:1001::/home/bob:/bin/sh\n\nbroken:x:\nloose:x:a:b:c:d\n"
    )
    (etc / "group").write_text("root:x:0:\nbob:x:1001:\naudio:x:29:bob,alice\nwheel:x:10:root,bob\nbroken\n")
    return etc.parent


@pytest.fixture
def new_guest() -> Callable[..., Guest]:
    """A guest with ``argv`` and members of its specification by name."""

    def make(*argv: str, env: tuple[str, ...] = (), user: str = "", workdir: str = "/", **members: Any) -> Guest:
        spec = GuestSpec(image="busybox", **members)
        return Guest(
            id="0123456789abcdef" * 4,
            name="test",
            spec=spec,
            image_id="sha256:0",
            created=0.0,
            argv=argv or ("true",),
            env=env,
            user=user,
            workdir=workdir,
            hostname="somewhere",
        )

    return make


@pytest.fixture
def new_launch(new_guest: Callable[..., Guest], rootfs: Path, tmp_path: Path) -> Callable[..., Launch]:
    """A launch of such a guest; ``launch`` holds the launch's own members."""

    def make(*argv: str, launch: dict[str, Any] | None = None, **members: Any) -> Launch:
        guest = new_guest(*argv, **members)
        return Launch(guest, str(rootfs), str(tmp_path / "bundle"), **(launch or {}))

    return make
