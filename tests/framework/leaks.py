"""What tests must not leave on the host, and how it is found out.

A look at the host is a set of traces: mounts, network namespaces, links, nftables tables, control groups, loop devices
and processes of ours. What is there afterwards and was not before has leaked. Ours are the processes that carry the
session's mark in their environment, that name the session's folder on their command line, or that sit in a control
group of wirt's: daemons and keepers leave their parents on purpose, so parenthood tells nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

__all__ = ["MARK", "Trace", "Watch"]

MARK = "WIRT_TEST_SESSION"  # the environment variable that every process started by a test inherits


class Trace(NamedTuple):
    """Something on the host: its kind, and its name as a person would look for it."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at the host on behalf of one test session.

    ``folder``: everything the session makes is below it. ``alone``: nobody else works on this host, so whatever is
    new has leaked; otherwise only what names the folder or carries the mark counts. ``patience``: seconds the kernel
    may take, as a namespace's devices go some time after its last process.
    """

    folder: Path
    mark: str
    patience: float = 10.0
    alone: bool = False

    def look(self) -> frozenset[Trace]:
        """What is there now."""
        return frozenset(trace for source in self._sources() for trace in source)

    def leaked(self, before: frozenset[Trace]) -> list[Trace]:
        """What is there and was not ``before``, once the kernel has had time to finish.

        It announces none of these disappearances, so it is asked again and again until a deadline.
        """
        deadline = time.monotonic() + self.patience
        while (left := self.look() - before) and time.monotonic() < deadline:
            time.sleep(0.05)
        return sorted(left)

    def sweep(self) -> None:
        """After a failure: take the session's own things off the host, so that the next run starts clean."""
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for point in sorted((point for point, _ in _mounts() if self._is_ours(point)), reverse=True):
            _try("umount", "--lazy", point)
        # What an instance names on the host carries this tag (engine/settings.py).
        tags = [hashlib.sha256(os.fsencode(state)).hexdigest()[:6] for state in self.folder.glob("*/s")]
        left = [trace for trace in replace(self, alone=True).look() if any(tag in trace.name for tag in tags)]
        for trace in sorted(left, reverse=True):  # the deepest control groups first
            match trace.kind:
                case "link":
                    _try("ip", "link", "del", trace.name)
                case "nftables table":
                    _try("nft", "delete", "table", *trace.name.split())
                case "control group":
                    for tree in _cgroup_trees():
                        with contextlib.suppress(OSError):
                            (tree / trace.name[1:]).rmdir()

    def _sources(self) -> Iterator[Iterator[Trace]]:
        yield (Trace("mount", f"{point} ({kind})") for point, kind in _mounts() if self.alone or self._is_ours(point))
        yield (Trace("process", f"{pid} {_command(pid)}") for pid in self._pids())
        if self.alone:
            yield from (_namespaces(), _links(), _tables(), _cgroups(), _loops(), _settings())

    def _is_ours(self, text: str) -> bool:
        return str(self.folder) in text

    def _pids(self) -> list[int]:
        """The session's processes but for this one."""
        mark = f"{MARK}={self.mark}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it may end while we look
                marked = mark in (entry / "environ").read_bytes().split(b"\0")
                named = self._is_ours(_command(int(entry.name)))
                grouped = self.alone and re.search(r"^[^:]*:[^:]*:/wirt", (entry / "cgroup").read_text(), re.M)
                if (marked or named or grouped) and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
        return found


def _mounts() -> list[tuple[str, str]]:
    """Mount points and types; proc_pid_mountinfo(5)."""
    lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    return [(line.split(" ")[4], line.partition(" - ")[2].split(" ")[0]) for line in lines]


def _namespaces() -> Iterator[Trace]:
    """Network namespaces that some process is in."""
    seen = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            seen.add(str(link.readlink()))
    return (Trace("network namespace", name) for name in seen)


def _links() -> Iterator[Trace]:
    return (Trace("link", link["ifname"]) for link in _json("ip", "-j", "link"))


def _tables() -> Iterator[Trace]:
    listed = _json("nft", "-j", "list", "tables")
    tables = (entry["table"] for entry in listed["nftables"] if "table" in entry)
    return (Trace("nftables table", f"{table['family']} {table['name']}") for table in tables)


def _cgroups() -> Iterator[Trace]:
    """Control groups named after wirt, in the one tree of version 2 or the many of version 1."""
    for tree in _cgroup_trees():
        for top in tree.glob("wirt*"):
            yield from (Trace("control group", f"/{Path(folder).relative_to(tree)}") for folder, _, _ in os.walk(top))


def _cgroup_trees() -> Iterator[Path]:
    root = Path("/sys/fs/cgroup")
    yield root
    yield from filter(Path.is_dir, root.iterdir())


def _settings() -> Iterator[Trace]:
    """Switches of the kernel that networks flip."""
    for name in ("ip_forward", "conf/all/route_localnet"):
        yield Trace("kernel setting", f"net/ipv4/{name} = {Path(f'/proc/sys/net/ipv4/{name}').read_text().strip()}")


def _loops() -> Iterator[Trace]:
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            yield Trace("loop device", f"{file.parts[3]} of {file.read_text().strip()}")


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def _try(*argv: str) -> None:
    subprocess.run(argv, check=False, capture_output=True)


def _json(*argv: str) -> object:
    return json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
