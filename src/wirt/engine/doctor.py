"""What this host can do: every part's own probe, run at once, and the facts that concern them all.

Each line says what was found, what it means, and how to mend it. Nothing is believed that can be tried.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from wirt.engine.lifecycle import INIT_PATHS
from wirt.engine.protocols import Runtime
from wirt.machine.probe import probe as probe_machine
from wirt.model.finding import Finding, Level
from wirt.model.guest import Kind
from wirt.network.probe import probe as probe_network
from wirt.storage.overlay import probe as probe_overlay
from wirt.vmm.probe import probe as probe_vmm

__all__ = ["examine"]

Probe = Callable[[], Sequence[Finding]]

_GIB = 1 << 30
_OLDEST_KERNEL = (5, 10)  # overlayfs without syncing (volatile), openat2(2), pidfd_open(2), cgroup v2 in earnest
_LITTLE_DISK = 2 * _GIB
_LITTLE_MEMORY = _GIB // 4
_BOOTSTRAP_TOOLS = {"mmdebstrap": "mmdebstrap", "apt-get": "apt", "dpkg-deb": "dpkg"}  # program -> Debian package


async def examine(state: Path, run: Path, runtimes: Mapping[Kind, Runtime]) -> list[Finding]:
    """All findings, always in the same order. Takes as long as the slowest probe: about three seconds at worst."""
    probes: tuple[tuple[str, Probe], ...] = (
        ("privileges", _privileges),
        ("kernel", _kernel),
        *((kind.value, runtime.probe) for kind, runtime in runtimes.items()),
        ("overlay", lambda: probe_overlay(state)),
        ("network", probe_network),
        ("kvm", probe_vmm),
        ("qemu", probe_machine),
        ("disk", lambda: _disk("disk", state, "images, guests and volumes")),
        ("run folder", lambda: _disk("run folder", run, "sockets", enough=16 << 20)),
        ("memory", _memory),
        ("bootstrap", _bootstrap),
        ("init", _init),
        ("systemd", _systemd),
    )
    groups = await asyncio.gather(*(asyncio.to_thread(_guarded, subject, probe) for subject, probe in probes))
    return [finding for group in groups for finding in group]


def _guarded(subject: str, probe: Probe) -> Sequence[Finding]:
    """A probe that fails is a finding too: the others are still worth reading."""
    try:
        return probe()
    except Exception as error:
        return [Finding(subject, Level.WARN, f"could not be examined: {error}", "what works here is not known")]


def _privileges() -> list[Finding]:
    if os.geteuid() == 0:
        return [Finding("privileges", Level.OK, "the daemon runs as root")]
    meaning = "guests need mounts, namespaces and networks that only root can make"
    return [Finding("privileges", Level.FAIL, f"the daemon runs as user {os.geteuid()}", meaning, "start it as root")]


def _kernel() -> list[Finding]:
    host = os.uname()
    found = f"Linux {host.release} on {host.machine}"
    version = tuple(int(number) for number in re.findall(r"\d+", host.release)[:2])
    if version >= _OLDEST_KERNEL:
        return [Finding("kernel", Level.OK, found)]
    oldest = ".".join(map(str, _OLDEST_KERNEL))
    meaning = f"wirt is made for {oldest} and newer: guests may not start"
    return [Finding("kernel", Level.WARN, found, meaning, f"boot a kernel of version {oldest} or newer")]


def _disk(subject: str, folder: Path, use: str, *, enough: int = _LITTLE_DISK) -> list[Finding]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    space = os.statvfs(there)
    free, total = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    found = f"{_size(free)} of {_size(total)} free in {folder}"
    if free < enough:
        remedy = "free some: wirt image prune, wirt rm, wirt volume prune; or set WIRT_STATE and WIRT_RUN elsewhere"
        return [Finding(subject, Level.WARN, found, f"little room is left for {use}", remedy)]
    if space.f_files and space.f_favail < space.f_files // 20:
        found = f"{space.f_favail} of {space.f_files} inodes free in {folder}"
        return [
            Finding(subject, Level.WARN, found, f"few files can still be made for {use}", "remove images or guests")
        ]
    return [Finding(subject, Level.OK, found)]


def _memory() -> list[Finding]:
    with open("/proc/meminfo", encoding="ascii") as lines:
        fields = {name: int(value.split()[0]) << 10 for name, value in (line.split(":") for line in lines)}
    swap = f"{_size(fields['SwapTotal'])} of swap" if fields["SwapTotal"] else "no swap"
    found = f"{_size(fields['MemAvailable'])} of {_size(fields['MemTotal'])} available, {swap}"
    if fields["MemAvailable"] < _LITTLE_MEMORY:
        return [
            Finding("memory", Level.WARN, found, "guests may be killed for lack of memory", "stop what is not needed")
        ]
    return [Finding("memory", Level.OK, found)]


def _bootstrap() -> list[Finding]:
    missing = {tool: package for tool, package in _BOOTSTRAP_TOOLS.items() if not shutil.which(tool)}
    if not missing:
        meaning = "images can be made from Debian's packages, without a registry"
        return [Finding("bootstrap", Level.OK, f"{', '.join(_BOOTSTRAP_TOOLS)} are installed", meaning)]
    found = f"{', '.join(missing)}: not installed"
    meaning = "wirt image bootstrap cannot make images; load and import can"
    return [Finding("bootstrap", Level.NOTE, found, meaning, f"apt-get install {' '.join(missing.values())}")]


def _init() -> list[Finding]:
    found = next((path for path in INIT_PATHS if Path(path).exists()), "")
    if found:
        return [Finding("init", Level.OK, f"{found} serves wirt run --init")]
    return [Finding("init", Level.NOTE, "there is no small init program", "--init is refused", "apt-get install tini")]


def _systemd() -> list[Finding]:
    if Path("/run/systemd/system").is_dir():
        return [Finding("systemd", Level.OK, "runs this host", "it can start the daemon at boot and on demand")]
    meaning = "the first wirt command starts the daemon: after a reboot, guests to be restarted wait until then"
    return [
        Finding("systemd", Level.NOTE, "does not run this host", meaning, "start `wirt daemon` from this host's init")
    ]


def _size(number: int) -> str:
    return f"{number / _GIB:.1f} GiB" if number >= _GIB else f"{number >> 20} MiB"
