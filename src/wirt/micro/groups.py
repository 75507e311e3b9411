"""A guest's control groups, made and limited by us: no OCI runtime does it here (cgroups(7), cgroup-v2.rst)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from wirt.abi.oci_runtime import Cpu, Memory, Resources
from wirt.host import cgroup
from wirt.host.failures import explaining

__all__ = ["apply", "doors", "make"]

# What is measured or done to every guest; cpuset is joined only by those that ask for it.
_ALWAYS = frozenset(("cpu", "cpuacct", "memory", "pids", "freezer", "blkio"))
_CPUSET = "cpuset"
_ON_V2 = ("cpu", "cpuset", "io", "memory", "pids")
_UNLIMITED = -1


def make(layout: cgroup.CgroupLayout, path: str, limits: Resources) -> tuple[str, ...]:
    """Make the cgroup in every hierarchy that counts and set ``limits``. Returns ``doors``."""
    folders = tuple(_folders(layout, path, limits))
    for folder in folders:
        with explaining(f"make the cgroup {folder}"):
            if folder == layout.unified + path:
                _delegate(layout.unified, path)
            cgroup.make(folder)
            if folder == layout.folder(path, _CPUSET) != layout.unified + path:
                _fill_sets(folder, os.path.dirname(path).count("/"))
    apply(layout, path, limits)
    return doors(layout, path)


def doors(layout: cgroup.CgroupLayout, path: str) -> tuple[str, ...]:
    """The files that a process of the guest's, with one thread, writes "0" to: then it is in the cgroup everywhere.

    Of v1 it is the one for threads: for a thread that moves itself, and for no other, the kernel (since 5.16) takes no
    lock that all processors have to agree on, which is 10 ms of a start.
    """
    there = (hierarchy for hierarchy in layout.hierarchies if os.path.isdir(hierarchy.mount + path))
    return tuple(f"{one.mount}{path}/{'cgroup.procs' if one.unified else 'tasks'}" for one in there)


def apply(layout: cgroup.CgroupLayout, path: str, limits: Resources) -> None:
    """Set every limit that is named, of a guest that runs too; ``RuntimeFailure`` when the kernel refuses one."""
    if limits.memory is not None:
        _limit_memory(layout, path, limits.memory)
    if limits.cpu is not None:
        _limit_cpu(layout, path, limits.cpu)
    if limits.pids is not None:
        _set(layout.folder(path, "pids"), "pids.max", "max" if limits.pids.limit < 0 else limits.pids.limit)


def _folders(layout: cgroup.CgroupLayout, path: str, limits: Resources) -> Iterator[str]:
    wanted = _ALWAYS | ({_CPUSET} if _asks_sets(limits) else set())
    for hierarchy in layout.hierarchies:
        if hierarchy.unified:
            if hierarchy.controllers.intersection(_ON_V2):
                yield hierarchy.mount + path
        elif hierarchy.controllers & wanted:
            yield hierarchy.mount + path


def _asks_sets(limits: Resources) -> bool:
    return limits.cpu is not None and bool(limits.cpu.cpus or limits.cpu.mems)


def _delegate(mount: str, path: str) -> None:
    """v2: controllers reach a cgroup only if every one above passes them on."""
    folder = mount
    for name in path.strip("/").split("/"):
        offered = _read(folder, "cgroup.controllers").split()
        for controller in (one for one in _ON_V2 if one in offered):
            with contextlib.suppress(OSError):  # busy with processes of its own: that one's limits will be missed
                _write(folder, "cgroup.subtree_control", f"+{controller}")
        folder = f"{folder}/{name}"
        cgroup.make(folder)


# -- memory --------------------------------------------------------------------------------------------


def _limit_memory(layout: cgroup.CgroupLayout, path: str, wanted: Memory) -> None:
    folder = layout.folder(path, "memory")
    if folder == layout.unified + path:
        _limit_memory_v2(folder, wanted)
        return
    # The sum of memory and swap may never be below memory, so which comes first depends on the direction.
    settings = [("memory.limit_in_bytes", wanted.limit), ("memory.memsw.limit_in_bytes", wanted.swap)]
    now = _read(folder, "memory.memsw.limit_in_bytes").strip()
    if wanted.swap and now.isdigit() and (wanted.swap < 0 or wanted.swap > int(now)):
        settings.reverse()
    for name, value in (*settings, ("memory.soft_limit_in_bytes", wanted.reservation)):
        if value is not None:
            _set(folder, name, value)


def _limit_memory_v2(folder: str, wanted: Memory) -> None:
    if wanted.swap is not None:
        # Asked for as the sum; v2 counts swap alone.
        swap = "max" if wanted.swap < 0 else wanted.swap - (wanted.limit or 0)
        _set(folder, "memory.swap.max", swap)
    if wanted.limit is not None:
        _set(folder, "memory.max", "max" if wanted.limit < 0 else wanted.limit)
    if wanted.reservation is not None:
        _set(folder, "memory.low", "max" if wanted.reservation < 0 else wanted.reservation)


# -- processors ----------------------------------------------------------------------------------------


def _limit_cpu(layout: cgroup.CgroupLayout, path: str, wanted: Cpu) -> None:
    folder = layout.folder(path, "cpu")
    unified = folder == layout.unified + path
    if wanted.shares is not None:
        # From 2..262144 to 1..10000, as runc and systemd convert.
        weight = 1 + (wanted.shares - 2) * 9999 // 262142
        _set(folder, *(("cpu.weight", weight) if unified else ("cpu.shares", wanted.shares)))
    if wanted.quota is not None:
        quota = "max" if wanted.quota < 0 else wanted.quota
        if unified:
            _set(folder, "cpu.max", f"{quota} {wanted.period}")
        else:
            _set(folder, "cpu.cfs_period_us", wanted.period or 100_000)
            _set(folder, "cpu.cfs_quota_us", wanted.quota)
    if wanted.cpus or wanted.mems:
        _limit_sets(layout, path, wanted)


def _limit_sets(layout: cgroup.CgroupLayout, path: str, wanted: Cpu) -> None:
    folder = layout.folder(path, _CPUSET)
    if folder != layout.unified + path:
        with explaining(f"make the cgroup {folder}"):
            _fill_sets(folder, os.path.dirname(path).count("/"))
    for name, value in (("cpuset.cpus", wanted.cpus), ("cpuset.mems", wanted.mems)):
        if value:
            _set(folder, name, value)
    if not _read(folder, "cgroup.procs"):
        for pid in cgroup.pids(layout, path):  # a running guest that asks for the first time
            with contextlib.suppress(ProcessLookupError):
                _write(folder, "cgroup.procs", str(pid))


def _fill_sets(folder: str, levels: int) -> None:
    """v1: a cgroup without processors or memory nodes takes no process; it starts with what the one above has."""
    cgroup.make(folder)
    parent = os.path.dirname(folder)
    if levels and not _read(parent, "cpuset.cpus").strip():
        _fill_sets(parent, levels - 1)
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not _read(folder, name).strip():
            _set(folder, name, _read(parent, name).strip())


# -- the files -----------------------------------------------------------------------------------------


def _set(folder: str, name: str, value: int | str) -> None:
    with explaining(f"set {name} to {value}"):
        _write(folder, name, str(value))


def _write(folder: str, name: str, value: str) -> None:
    fd = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def _read(folder: str, name: str) -> str:
    try:
        with open(f"{folder}/{name}", encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""
