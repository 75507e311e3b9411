"""The OCI runtime specification: config.json and process.json, as far as wirt writes them, and its words.

Source: https://github.com/opencontainers/runtime-spec, ``config.md``, ``config-linux.md``. Members keep the
specification's names, in snake case here and in camel case on the wire; a member at its default is left out.
"""

from __future__ import annotations

import msgspec

__all__ = [
    "CRUN_SECCOMP_BPF",
    "OCI_VERSION",
    "Capabilities",
    "Config",
    "ConsoleSize",
    "Cpu",
    "DeviceNode",
    "DeviceRule",
    "Linux",
    "Memory",
    "MountEntry",
    "NamespaceEntry",
    "Pids",
    "Process",
    "Resources",
    "Rlimit",
    "Root",
    "Seccomp",
    "SyscallArg",
    "SyscallRule",
    "User",
]

OCI_VERSION = "1.0.2"

# crun(1): a filter program, base64, that takes the place of the seccomp section.
CRUN_SECCOMP_BPF = "run.oci.seccomp_bpf_data"


class _Entry(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """How every object of the specification is written."""


class Root(_Entry, frozen=True):
    path: str
    readonly: bool = False


class User(_Entry, frozen=True):
    """``uid`` and ``gid`` are required by the specification, so they have no default that would drop a zero."""

    uid: int
    gid: int
    additional_gids: tuple[int, ...] = ()


class Capabilities(_Entry, frozen=True):
    """Names as in capabilities(7)."""

    bounding: tuple[str, ...] = ()
    effective: tuple[str, ...] = ()
    permitted: tuple[str, ...] = ()


class Rlimit(_Entry, frozen=True):
    """``type`` is RLIMIT_..., values as in setrlimit(2), unsigned."""

    type: str
    hard: int
    soft: int


class ConsoleSize(_Entry, frozen=True):
    """In characters."""

    height: int
    width: int


class Process(_Entry, frozen=True):
    """What runs; by itself, the content of ``exec --process``."""

    user: User
    args: tuple[str, ...]
    cwd: str
    env: tuple[str, ...] = ()
    terminal: bool = False
    console_size: ConsoleSize | None = None
    capabilities: Capabilities | None = None
    rlimits: tuple[Rlimit, ...] = ()
    no_new_privileges: bool = False
    apparmor_profile: str = ""
    oom_score_adj: int | None = None


class MountEntry(_Entry, frozen=True):
    destination: str
    type: str
    source: str
    options: tuple[str, ...] = ()


class NamespaceEntry(_Entry, frozen=True):
    """``path`` "": a new one; ``type``: mount, network, uts, pid, ipc, cgroup, user, time."""

    type: str
    path: str = ""


class DeviceNode(_Entry, frozen=True):
    """``type``: "c", "b" or "p" (a pipe has no numbers)."""

    path: str
    type: str
    file_mode: int
    uid: int
    gid: int
    major: int = 0
    minor: int = 0


class DeviceRule(_Entry, frozen=True):
    """``None`` stands for every type or number."""

    allow: bool
    access: str
    type: str | None = None
    major: int | None = None
    minor: int | None = None


class Memory(_Entry, frozen=True):
    """Bytes; ``swap`` is memory plus swap; -1 takes a limit away."""

    limit: int | None = None
    reservation: int | None = None
    swap: int | None = None


class Cpu(_Entry, frozen=True):
    """``quota`` and ``period`` in microseconds."""

    shares: int | None = None
    quota: int | None = None
    period: int | None = None
    cpus: str = ""
    mems: str = ""


class Pids(_Entry, frozen=True):
    limit: int


class Resources(_Entry, frozen=True):
    """What a cgroup is set to; by itself, the content of ``update --resources``."""

    devices: tuple[DeviceRule, ...] = ()
    memory: Memory | None = None
    cpu: Cpu | None = None
    pids: Pids | None = None


class SyscallArg(_Entry, frozen=True):
    """``op`` is SCMP_CMP_...; ``value_two`` is the second operand of SCMP_CMP_MASKED_EQ."""

    index: int
    value: int
    op: str
    value_two: int = 0


class SyscallRule(_Entry, frozen=True):
    names: tuple[str, ...]
    action: str
    errno_ret: int | None = None
    args: tuple[SyscallArg, ...] = ()


class Seccomp(_Entry, frozen=True):
    """``architectures`` are SCMP_ARCH_..., actions SCMP_ACT_... (seccomp_rule_add(3))."""

    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    listener_path: str = ""
    syscalls: tuple[SyscallRule, ...] = ()


class Linux(_Entry, frozen=True):
    """``seccomp`` is a ``Seccomp`` that has been encoded before: it is half of the file and nearly always the same."""

    cgroups_path: str
    namespaces: tuple[NamespaceEntry, ...]
    resources: Resources
    devices: tuple[DeviceNode, ...] = ()
    sysctl: dict[str, str] = {}
    seccomp: msgspec.Raw | None = None
    rootfs_propagation: str = ""
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()


class Config(_Entry, frozen=True):
    """config.json."""

    oci_version: str
    process: Process
    root: Root
    mounts: tuple[MountEntry, ...]
    linux: Linux
    hostname: str = ""
    annotations: dict[str, str] = {}
