"""Jails to break out of: as a keeper makes them, with code of the test's own where the guest would be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from framework import cell
from framework.leaks import Watch
from framework.project import ROOT
from wirt.abi.linux.capability import CAPABILITIES
from wirt.host.mount import mount, unmount
from wirt.kinds import capabilities
from wirt.micro import config
from wirt.micro.config import MonitorConfig, MountPlan
from wirt.micro.filter import program

SAFE = ("nosuid", "noexec", "nodev")
MOUNTS = (
    MountPlan("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
    MountPlan("/dev/pts", "devpts", "devpts", ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")),
    MountPlan("/dev/mqueue", "mqueue", "mqueue", SAFE),
    MountPlan("/dev/shm", "tmpfs", "shm", (*SAFE, "mode=1777", "size=65536k")),
)


@dataclass(frozen=True, slots=True)
class Told:
    """How code in a jail ended: its exit status, what it printed, what it or the jail complained of."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err or self.out
        return json.loads(self.out)


@pytest.fixture
def rootfs(watch: Watch) -> Iterator[Path]:
    """A file system for a guest, with a program in it."""
    folder = watch.folder / "jail"
    folder.mkdir()
    mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
    try:
        (folder / "bin").mkdir()
        (folder / "bin" / "program").write_bytes(b"\x7fELF")
        (folder / "bin" / "program").chmod(0o755)
        yield folder
    finally:
        unmount(str(folder))
        folder.rmdir()


@pytest.fixture
def jail(rootfs: Path, tmp_path: Path) -> Callable[..., Told]:
    """Runs ``code`` in a jail on ``rootfs``; ``changes`` are to its configuration."""

    def run(code: str, **changes: Any) -> Told:
        mask = sum(1 << CAPABILITIES.index(name) for name in capabilities.DEFAULT)
        members: dict[str, Any] = {
            "platform": "kvm",
            "seccomp": program(),
            "argv": ("/bin/program",),
            "env": ("PATH=/bin",),
            "capabilities": mask,
            "rootfs": str(rootfs),
            "mounts": MOUNTS,
            "hostname": "cell",
        }
        file, payload = tmp_path / "monitor.json", tmp_path / "payload.py"
        file.write_bytes(config.write(MonitorConfig(**members | changes)))
        payload.write_text(code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, cell.__file__, str(file), str(payload)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}/tests"},
        )
        return Told(done.returncode, done.stdout, done.stderr)

    return run
