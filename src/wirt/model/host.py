"""The host, what it can do, and what happens on it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

__all__ = [
    "Change",
    "ChangeKind",
    "DiskUsage",
    "Event",
    "HostInfo",
    "Kept",
    "KeptThing",
    "Stats",
    "TopView",
]


@dataclass(frozen=True, slots=True)
class Event:
    """``type``: guest, image, network, volume, daemon. ``attributes``: name, image, exit_code ..."""

    time: float
    type: str
    action: str
    id: str
    attributes: dict[str, str] = field(default_factory=dict)


class ChangeKind(enum.StrEnum):
    MODIFIED = "C"
    ADDED = "A"
    DELETED = "D"


@dataclass(frozen=True, slots=True)
class Change:
    """A line of ``wirt diff``."""

    kind: ChangeKind
    path: str


@dataclass(frozen=True, slots=True)
class Stats:
    """One sample. Times in seconds since the guest's start, sizes in bytes, counters since the guest's start.

    ``memory_usage`` leaves out page cache the kernel would drop first (inactive_file), as ``docker stats`` does.
    """

    id: str
    name: str
    time: float
    cpu_seconds: float
    cpu_system_seconds: float  # the whole host's CPU time, all processors: for a percentage between two samples
    cpus_online: int
    throttled_seconds: float
    memory_usage: int
    memory_limit: int
    pids: int
    pids_limit: int
    net_rx: int
    net_tx: int
    block_read: int
    block_write: int


@dataclass(frozen=True, slots=True)
class TopView:
    titles: tuple[str, ...]
    processes: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class HostInfo:
    """What ``wirt info`` shows."""

    version: str
    name: str
    kernel: str
    os: str
    architecture: str
    cpus: int
    memory: int
    state_dir: str
    run_dir: str
    cgroup: str  # v1 | hybrid | v2
    runtime: str
    kinds: tuple[str, ...]
    guests: int
    guests_running: int
    guests_paused: int
    guests_stopped: int
    images: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptThing:
    """A line of ``wirt system df -v``: an image, guest, volume or part of the cache.

    ``size``: bytes; of an image with what it shares with others, of a guest what it wrote. ``guests``: how many use it.
    ``active``: a guest uses it, or it is a guest that runs.
    """

    id: str
    name: str
    size: int
    guests: int
    active: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Things of one kind: how many, how many of them active, bytes on the disk, and those that nothing active needs."""

    total: int
    active: int
    size: int
    reclaimable: int
    things: tuple[KeptThing, ...]


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """What is kept in the state folder."""

    images: Kept
    guests: Kept
    volumes: Kept
    cache: Kept
