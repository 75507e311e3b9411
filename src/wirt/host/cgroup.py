"""Control groups as the kernel shows them: v1, v2, and both at once (cgroups(7), admin-guide/cgroup-v2.rst).

A cgroup is named by one path ("/wirt/0123...") that is the same below every hierarchy's mount point. Reading never
fails because a controller or a file is missing on this host: what cannot be known is 0.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import functools
import itertools
import os
import select
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "CgroupLayout",
    "CgroupMode",
    "CgroupUsage",
    "Hierarchy",
    "children",
    "exists",
    "freeze",
    "frozen",
    "host_layout",
    "kill",
    "make",
    "oom_kills",
    "pids",
    "read_layout",
    "read_usage",
    "remove",
    "thaw",
]

_NANOSECOND = 1e-9
_MICROSECOND = 1e-6
_ATTEMPTS = 100
_UNLIMITED_V1 = 1 << 60  # v1 shows "no limit" as the largest multiple of a page


class CgroupMode(enum.StrEnum):
    V1 = "v1"
    HYBRID = "hybrid"  # v1 controllers, and a v2 tree beside them
    V2 = "v2"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """``controllers``: of v1 what is mounted there ("cpu", "name=systemd"), of v2 what its root offers."""

    mount: str
    controllers: frozenset[str]
    unified: bool = False


@dataclass(frozen=True, slots=True)
class CgroupLayout:
    hierarchies: tuple[Hierarchy, ...]

    @property
    def mode(self) -> CgroupMode:
        kinds = {hierarchy.unified for hierarchy in self.hierarchies}
        if kinds == {True}:
            return CgroupMode.V2
        return CgroupMode.HYBRID if True in kinds else CgroupMode.V1

    @property
    def controllers(self) -> frozenset[str]:
        """Every controller of every hierarchy, without v1's named hierarchies."""
        every = frozenset[str]().union(*(hierarchy.controllers for hierarchy in self.hierarchies))
        return frozenset(name for name in every if not name.startswith("name="))

    @property
    def unified(self) -> str:
        """Where v2 is mounted, or ""."""
        return next((hierarchy.mount for hierarchy in self.hierarchies if hierarchy.unified), "")

    def folders(self, path: str) -> list[str]:
        """The cgroup's folder in every hierarchy."""
        return [hierarchy.mount + path for hierarchy in self.hierarchies]

    def folder(self, path: str, controller: str) -> str:
        """The folder with ``controller``'s files: of v1 where it is mounted, else of v2; "" when there is none."""
        for hierarchy in self.hierarchies:
            if not hierarchy.unified and controller in hierarchy.controllers:
                return hierarchy.mount + path
        return self.unified + path if self.unified else ""


@dataclass(frozen=True, slots=True)
class CgroupUsage:
    """Seconds and bytes since the cgroup was made. A limit of 0 is none.

    ``memory`` leaves out page cache that would be dropped first (inactive_file).
    """

    cpu_seconds: float = 0.0
    throttled_seconds: float = 0.0
    memory: int = 0
    memory_limit: int = 0
    pids: int = 0
    pids_limit: int = 0
    block_read: int = 0
    block_write: int = 0


# -- where things are ----------------------------------------------------------------------------------------------


def read_layout(mountinfo: str = "/proc/self/mountinfo") -> CgroupLayout:
    """What proc_pid_mountinfo(5) tells of cgroup file systems; a hierarchy mounted twice counts once."""
    found: dict[str, Hierarchy] = {}
    with open(mountinfo, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            left, _, right = line.partition(" - ")
            fstype, _, options = right.split(" ", 2)
            if fstype in ("cgroup", "cgroup2"):
                _, _, device, _, mount, *_ = left.split(" ")
                found.setdefault(device, _hierarchy(mount, fstype, options.strip()))
    return CgroupLayout(tuple(found.values()))


def _hierarchy(mount: str, fstype: str, options: str) -> Hierarchy:
    if fstype == "cgroup2":
        return Hierarchy(mount, frozenset(_text(mount, "cgroup.controllers").split()), unified=True)
    flags = {"rw", "ro", "xattr", "clone_children", "noprefix", "none", "cpuset_v2_mode", "favordynmods"}
    names = (option for option in options.split(",") if not option.startswith("release_agent="))
    return Hierarchy(mount, frozenset(names) - flags)


@functools.cache
def host_layout() -> CgroupLayout:
    """This host's layout, read once: hierarchies do not come and go while guests run."""
    return read_layout()


# -- what a cgroup uses --------------------------------------------------------------------------------------------


def read_usage(layout: CgroupLayout, path: str) -> CgroupUsage:
    """One sample, from whichever hierarchy holds each controller."""
    cpu, throttled = _cpu(layout, path)
    memory, memory_limit = _memory(layout.folder(path, "memory"))
    read, written = _block(layout, path)
    tasks = layout.folder(path, "pids")
    return CgroupUsage(
        cpu_seconds=cpu,
        throttled_seconds=throttled,
        memory=memory,
        memory_limit=memory_limit,
        pids=_number(tasks, "pids.current"),
        pids_limit=_number(tasks, "pids.max"),
        block_read=read,
        block_write=written,
    )


def oom_kills(layout: CgroupLayout, path: str) -> int:
    """How many processes the kernel killed for want of memory; the count dies with the cgroup."""
    folder = layout.folder(path, "memory")
    kills = (_flat(folder, name).get("oom_kill", 0) for name in ("memory.events", "memory.oom_control"))
    return max(kills)


def _cpu(layout: CgroupLayout, path: str) -> tuple[float, float]:
    stat = _flat(layout.folder(path, "cpu"), "cpu.stat")
    if "usage_usec" in stat:
        return stat["usage_usec"] * _MICROSECOND, stat.get("throttled_usec", 0) * _MICROSECOND
    used = _number(layout.folder(path, "cpuacct"), "cpuacct.usage")
    return used * _NANOSECOND, stat.get("throttled_time", 0) * _NANOSECOND


def _memory(folder: str) -> tuple[int, int]:
    stat = _flat(folder, "memory.stat")
    used = _number(folder, "memory.current") or _number(folder, "memory.usage_in_bytes")
    limit = _number(folder, "memory.max") or _number(folder, "memory.limit_in_bytes")
    droppable = stat.get("total_inactive_file", stat.get("inactive_file", 0))
    return max(0, used - droppable), limit if limit < _UNLIMITED_V1 else 0


def _block(layout: CgroupLayout, path: str) -> tuple[int, int]:
    read = written = 0
    for line in _text(layout.folder(path, "io"), "io.stat").splitlines():
        counters = dict(field.split("=", 1) for field in line.split() if "=" in field)
        read += int(counters.get("rbytes", 0))
        written += int(counters.get("wbytes", 0))
    folder = layout.folder(path, "blkio")
    # Which of the two counts depends on the disk's scheduler; the other stays at nothing.
    for name in ("blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"):
        fields = [line.split() for line in _text(folder, name).splitlines()]
        totals = {kind: sum(int(row[2]) for row in fields if row[1:2] == [kind]) for kind in ("Read", "Write")}
        if any(totals.values()):
            return read + totals["Read"], written + totals["Write"]
    return read, written


# -- making, emptying, removing ------------------------------------------------------------------------------------


def make(folder: str) -> None:
    """One hierarchy's folder, with its parents."""
    os.makedirs(folder, mode=0o755, exist_ok=True)


def exists(layout: CgroupLayout, path: str) -> bool:
    """Whether any hierarchy has it."""
    return any(os.path.isdir(folder) for folder in layout.folders(path))


def children(layout: CgroupLayout, path: str) -> set[str]:
    """The names right below, in any hierarchy."""
    names: set[str] = set()
    for folder in layout.folders(path):
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            names |= {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
    return names


def pids(layout: CgroupLayout, path: str, controller: str = "") -> list[int]:
    """Every process at or below, in any hierarchy or in one controller's; a cgroup that vanishes meanwhile has none."""
    found: set[int] = set()
    one = layout.folder(path, controller) if controller else ""
    for folder in [one] if one else layout.folders(path):
        for below in _tree(folder):
            found.update(map(int, _text(below, "cgroup.procs").split()))
    return sorted(found)


def kill(layout: CgroupLayout, path: str, patience: float) -> None:
    """SIGKILL to everything at or below, frozen or not, and wait up to ``patience`` seconds until it is dead."""
    deadline = time.monotonic() + patience
    sent: set[int] = set()
    # A process that forks while the list is read is caught by the next round.
    while fresh := set(pids(layout, path)) - sent:
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        sent |= fresh
    thaw(layout, path)
    for pid in pids(layout, path):
        _await_death(pid, deadline)


def freeze(layout: CgroupLayout, path: str, patience: float) -> None:
    """Every process at or below stands still when this returns; ``TimeoutError``, and none does, after ``patience``."""
    deadline = time.monotonic() + patience
    _set_frozen(layout, path, frozen=True)
    for attempt in itertools.count(1):
        if frozen(layout, path):
            return
        if time.monotonic() > deadline:
            thaw(layout, path)
            raise TimeoutError(errno.ETIMEDOUT, "the processes do not stand still")
        time.sleep(0.0005)
        if attempt % _ATTEMPTS == 0:  # v1 misses a process that was just forking, until it is asked anew
            thaw(layout, path)
            _set_frozen(layout, path, frozen=True)


def frozen(layout: CgroupLayout, path: str) -> bool:
    """Whether every process at or below stands still, not only is about to."""
    folder = layout.folder(path, "freezer")
    return _text(folder, "freezer.state").strip() == "FROZEN" or _flat(folder, "cgroup.events").get("frozen") == 1


def thaw(layout: CgroupLayout, path: str) -> None:
    """Let them go on. v1 holds even the killed until then; v2 lets them die."""
    _set_frozen(layout, path, frozen=False)


def _set_frozen(layout: CgroupLayout, path: str, *, frozen: bool) -> None:
    folder = layout.folder(path, "freezer")
    if not folder:
        return
    for name, words in (("freezer.state", ("THAWED", "FROZEN")), ("cgroup.freeze", ("0", "1"))):
        # "r+" asks for what is there: cgroup file systems do not say ENOENT to who would create it.
        with contextlib.suppress(FileNotFoundError), open(f"{folder}/{name}", "r+", encoding="ascii") as file:
            file.write(words[frozen])


def _await_death(pid: int, deadline: float) -> None:
    """A pidfd is readable once the process is dead, reaped or not (pidfd_open(2))."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        finally:
            os.close(fd)


def remove(layout: CgroupLayout, path: str, patience: float) -> None:
    """rmdir(2) from the leaves up, in every hierarchy; what does not exist is no error.

    The kernel lets go of a dead process a moment after its parent learnt of the death, and until then the answer is
    EBUSY: it is asked again for ``patience`` seconds, and then ``OSError`` says so.
    """
    deadline = time.monotonic() + patience
    for folder in layout.folders(path):
        for below in _tree(folder):
            pause = 0.0001
            while not _removed(below, last=time.monotonic() >= deadline):
                time.sleep(pause)
                pause = min(pause * 2, 0.01)


def _removed(folder: str, *, last: bool) -> bool:
    try:
        os.rmdir(folder)
    except OSError as error:
        if error.errno == errno.EBUSY and not last:
            return False
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
    return True


def _tree(folder: str) -> Iterator[str]:
    """Folders at and below, deepest first."""
    try:
        with os.scandir(folder) as entries:
            below = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except (FileNotFoundError, NotADirectoryError):
        return
    for child in below:
        yield from _tree(child)
    yield folder


# -- the files -----------------------------------------------------------------------------------------------------


def _text(folder: str, name: str) -> str:
    """A small file's content; "" when it is not there, or its cgroup went away under us (ENODEV)."""
    if not folder:
        return ""
    try:
        with open(f"{folder}/{name}", "rb", buffering=0) as file:
            return file.read().decode("ascii", "replace")
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
            return ""
        raise


def _number(folder: str, name: str) -> int:
    text = _text(folder, name).strip()
    return int(text) if text.isdigit() else 0


def _flat(folder: str, name: str) -> dict[str, int]:
    """A "flat keyed" file: a name and a number on each line."""
    rows = (line.split() for line in _text(folder, name).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
