"""``Launch`` to config.json, with Docker's defaults; and what can be said of a ``GuestSpec`` before there is a guest.

This is on the way of every start: about a third of a millisecond, most of it the guest's passwd and group files.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from wirt.abi import oci_runtime as oci
from wirt.container import devices, security
from wirt.container.process import guest_process
from wirt.container.seccomp import guest_filter
from wirt.host.cgroup import CgroupMode
from wirt.kinds import capabilities, limits
from wirt.kinds.facts import Facts
from wirt.kinds.mounts import mounts, root_propagation
from wirt.model.guest import GuestSpec
from wirt.model.launch import Launch

__all__ = ["build", "check", "warm"]

_MASKED = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def warm(facts: Facts, *, ready_filter: bool) -> None:
    """Make what the first ``build`` would otherwise make: the default seccomp filter."""
    caps = capabilities.granted((), (), privileged=False)
    guest_filter("", caps, facts, privileged=False, ready=ready_filter)


def check(spec: GuestSpec, facts: Facts) -> tuple[str, ...]:
    """What a user should know at once: ``InvalidInput`` for what cannot be, warnings for what this host leaves out."""
    options = security.parse(spec.security_opt)
    caps = capabilities.granted(spec.cap_add, spec.cap_drop, privileged=spec.privileged)
    guest_filter(options.seccomp, caps, facts, privileged=spec.privileged, ready=False)
    limits.check_sysctls(spec)
    for device in spec.devices:
        devices.resolve(device)
    warnings = [*options.notes, *limits.resources(spec.resources, facts)[1], *limits.rlimits(spec.ulimits)[1]]
    if options.apparmor not in ("", security.UNCONFINED) and not facts.apparmor:
        warnings.append(f"--security-opt apparmor={options.apparmor} has no effect: this host has no AppArmor")
    return tuple(warnings)


def build(launch: Launch, facts: Facts, *, cgroup_path: str, ready_filter: bool) -> bytes:
    """config.json. ``ready_filter``: the runtime is crun, and takes the seccomp filter as a program."""
    spec = launch.guest.spec
    options = security.parse(spec.security_opt)
    caps = capabilities.granted(spec.cap_add, spec.cap_drop, privileged=spec.privileged)
    made = guest_filter(options.seccomp, caps, facts, privileged=spec.privileged, ready=ready_filter)
    nodes, rules = _devices(spec)
    confined = options.system_paths and not spec.privileged
    wanted, _ = limits.resources(spec.resources, facts)
    config = oci.Config(
        oci_version=oci.OCI_VERSION,
        process=guest_process(launch, facts),
        root=oci.Root(launch.rootfs, spec.read_only),
        hostname="" if launch.uts_ns else launch.guest.hostname,
        mounts=mounts(launch, facts),
        annotations={oci.CRUN_SECCOMP_BPF: made.program} if made.program else {},
        linux=oci.Linux(
            cgroups_path=cgroup_path,
            namespaces=tuple(_namespaces(launch, facts)),
            resources=oci.Resources(rules, wanted.memory, wanted.cpu, wanted.pids),
            devices=nodes,
            sysctl=limits.sysctls(launch),
            seccomp=made.section,
            rootfs_propagation=root_propagation(launch.mounts),
            masked_paths=(*_MASKED, *facts.thermal_paths) if confined else (),
            readonly_paths=_READ_ONLY if confined else (),
        ),
    )
    return msgspec.json.encode(config)


def _namespaces(launch: Launch, facts: Facts) -> Iterator[oci.NamespaceEntry]:
    yield oci.NamespaceEntry("mount")
    if launch.netns:
        yield oci.NamespaceEntry("network", launch.netns)
    for kind, where in (("uts", launch.uts_ns), ("pid", launch.pid_ns), ("ipc", launch.ipc_ns)):
        if where != "host":
            yield oci.NamespaceEntry(kind, where)
    if facts.cgroup_mode is CgroupMode.V2:  # Docker's default; with v1 a guest sees the host's names
        yield oci.NamespaceEntry("cgroup")


def _devices(spec: GuestSpec) -> tuple[tuple[oci.DeviceNode, ...], tuple[oci.DeviceRule, ...]]:
    if spec.privileged:
        renamed = (device for device in spec.devices if device.host_path != device.guest_path)
        nodes = (*devices.host_devices(), *(node for device in renamed for node in devices.resolve(device)))
        return nodes, devices.PRIVILEGED_RULES
    found = [(devices.resolve(device), device.permissions) for device in spec.devices]
    rules = (rule for nodes, permissions in found for rule in devices.rules_for(nodes, permissions))
    return tuple(node for nodes, _ in found for node in nodes), (*devices.DEFAULT_RULES, *rules)
