"""What a monitor is to do, as JSON in the guest's bundle: written by the daemon, read by the keeper's child."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

__all__ = ["MonitorConfig", "MountPlan", "read", "write"]


@dataclass(frozen=True, slots=True)
class MountPlan:
    """One mount in the guest, with mount(8)'s options. ``type`` "bind": ``source`` is on the host."""

    destination: str
    type: str
    source: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """``platform``: "kvm" or "software". ``seccomp``: the filter's program, base64.

    ``size``: rows and columns of its terminal, if it has one; 0 where nobody knows.
    ``join``: for an exec, the guest's first process by the host's number: its namespaces are entered instead of new
    ones made, and nothing of ``rootfs``, ``mounts``, ``netns``, ``ipc_ns``, ``uts_ns``, ``sysctls`` counts. 0: the
    guest itself. ``netns``, ``ipc_ns``, ``uts_ns`` as in ``model.launch.Launch``.
    ``cgroups``: the files to write "0" to, to be in the guest's cgroup. ``capabilities``: a mask, of the guest's user
    namespace. ``memory``: bytes of memory the guest may have; ``cpus``: processors it sees.
    ``saved``: a folder (``micro.saved``) with a guest that goes on here, instead of ``argv``; "": none.
    ``rlimits``: RLIMIT_ name in lower case, soft, hard (2**64 - 1 unlimited).
    """

    platform: str
    seccomp: str
    argv: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    tty: bool = False
    size: tuple[int, int] = (0, 0)
    capabilities: int = 0
    rlimits: tuple[tuple[str, int, int], ...] = ()
    cgroups: tuple[str, ...] = ()
    memory: int = 0
    cpus: int = 1
    hostname: str = ""
    join: int = 0
    rootfs: str = ""
    read_only: bool = False
    mounts: tuple[MountPlan, ...] = ()
    netns: str = ""
    ipc_ns: str = ""
    uts_ns: str = ""
    sysctls: tuple[tuple[str, str], ...] = ()
    saved: str = ""


def write(config: MonitorConfig) -> bytes:
    return json.dumps(dataclasses.asdict(config), separators=(",", ":")).encode("utf-8", "surrogatepass")


def read(data: bytes) -> MonitorConfig:
    """What ``write`` made."""
    found: dict[str, Any] = json.loads(data.decode("utf-8", "surrogatepass"))
    found["mounts"] = tuple(MountPlan(**entry | {"options": tuple(entry["options"])}) for entry in found["mounts"])
    for name in ("rlimits", "sysctls"):
        found[name] = tuple(tuple(entry) for entry in found[name])
    for name in ("argv", "env", "groups", "cgroups", "size"):
        found[name] = tuple(found[name])
    return MonitorConfig(**found)
