"""A place to measure in: namespaces and a folder of its own, both gone when the measuring ends, however it ends.

``enter()`` starts the calling script again inside fresh mount, network and process-id namespaces. What a peer mounts,
which bridges and firewall rules it makes, which daemons it leaves running: all of it lives in there, nothing of it
touches the host, and the kernel takes it away with the last process (unshare(1), ``--kill-child``). What namespaces
do not hold, the folder and the peers' control groups, the outer process removes.

The folder is on a disk (/var/tmp), as images are in real life; /run is a fresh tmpfs, as on a fresh machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["enter"]

INSIDE = "WIRT_BENCH_LAB"
MASKED = ("/run", "/var/lib/containers")  # where peers write whatever folders they are given
# Top-level control groups that may be left empty; an instance of wirt's own is named after its state folder.
CGROUPS = ("docker", "libpod_parent", "runc-bench", "wirt-*")


def enter(before: Callable[[], None] = lambda: None) -> Path:
    """The lab's folder, inside the lab. Outside it: calls ``before``, runs the script in a new lab, never returns."""
    if folder := os.environ.get(INSIDE):
        _furnish()
        return Path(folder)
    if os.geteuid() != 0:
        sys.exit("bench: needs root: namespaces, mounts and the peers' daemons do")
    before()
    folder = tempfile.mkdtemp(prefix="wirt-bench-", dir="/var/tmp")
    masked = [name for name in MASKED if not Path(name).exists()]
    groups = _cgroups()
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        for name in masked:
            Path(name).mkdir()
        command = [*unshare, "tini", "--", sys.executable, *sys.argv]
        status = subprocess.run(command, env={**os.environ, INSIDE: folder}, check=False).returncode
    except KeyboardInterrupt:
        status = 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for name in masked:
            Path(name).rmdir()
        for group in _cgroups() - groups:
            _remove_cgroup(group)
    sys.exit(status)


def _furnish() -> None:
    """A loopback device that works, and fresh folders over those that peers insist on."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in MASKED:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "bench", name], check=True)


def _cgroups() -> set[Path]:
    """The peers' top-level control groups, in the one tree of version 2 or the many of version 1."""
    root = Path("/sys/fs/cgroup")
    return {found for name in CGROUPS for pattern in (name, f"*/{name}") for found in root.glob(pattern)}


def _remove_cgroup(group: Path) -> None:
    """A control group goes from its leaves up; the files in it are the kernel's."""
    for folder, _, _ in os.walk(group, topdown=False):
        Path(folder).rmdir()
