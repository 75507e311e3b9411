"""Limits: ``Resources`` to what a cgroup is set to, ``--ulimit`` to rlimits, ``--sysctl`` to what a namespace allows.

Asking for the impossible is ``InvalidInput``; asking for what this host cannot limit is left out, with a sentence that
says so for the caller to show.
"""

from __future__ import annotations

import resource

from wirt import errors
from wirt.abi import oci_runtime as oci
from wirt.abi.linux.resource import RLIM_INFINITY, RLIMITS
from wirt.kinds import capabilities
from wirt.kinds.facts import Facts, number_set
from wirt.model.guest import GuestSpec, Resources, Ulimit
from wirt.model.launch import Launch

__all__ = ["check_sysctls", "resources", "rlimits", "sysctls"]

MIN_MEMORY = 6 << 20  # Docker's: less does not even hold the runtime's own first steps
_PERIOD = 100_000  # microseconds
_SHARES = range(2, (1 << 18) + 1)

# What the kernel keeps per IPC, UTS or network namespace, and Docker lets through.
_IPC_NAMES = "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced"
_IPC_SYSCTLS = frozenset(f"kernel.{name}" for name in _IPC_NAMES.split())
_DOMAINNAME = "kernel.domainname"

# In a network of its own a guest may ping and listen below 1024 without the capabilities for it.
_NETWORK_SYSCTLS = {"net.ipv4.ping_group_range": "0 2147483647", "net.ipv4.ip_unprivileged_port_start": "0"}


# -- cgroups -------------------------------------------------------------------------------------------------------


def resources(wanted: Resources, facts: Facts) -> tuple[oci.Resources, tuple[str, ...]]:
    """The limits as the runtime takes them (without device rules), and warnings about those this host has not."""
    warnings: list[str] = []

    def can(controller: str, flag: str) -> bool:
        if controller not in facts.controllers:
            warnings.append(f"{flag} is ignored: this host has no {controller} cgroup controller")
        return controller in facts.controllers

    memory = _memory(wanted, facts, warnings) if _asks_memory(wanted) and can("memory", "--memory") else None
    cpus = wanted.cpus is not None or wanted.cpu_shares
    cpu = _cpu(wanted, facts) if cpus and can("cpu", "--cpus") else None
    if (wanted.cpuset_cpus or wanted.cpuset_mems) and can("cpuset", "--cpuset-cpus"):
        cpu = _with_sets(cpu or oci.Cpu(), wanted, facts)
    pids = wanted.pids_limit if wanted.pids_limit and can("pids", "--pids-limit") else None
    limits = oci.Resources(memory=memory, cpu=cpu, pids=oci.Pids(max(-1, pids)) if pids else None)
    return limits, tuple(warnings)


def _asks_memory(wanted: Resources) -> bool:
    return any(value is not None for value in (wanted.memory, wanted.memory_swap, wanted.memory_reservation))


def _memory(wanted: Resources, facts: Facts, warnings: list[str]) -> oci.Memory:
    limit, swap, reservation = wanted.memory or None, wanted.memory_swap or None, wanted.memory_reservation or None
    if limit is not None and limit < MIN_MEMORY:
        raise errors.InvalidInput(f"--memory {limit}: the minimum is 6 MiB", hint="use --memory 6m or more")
    if swap is not None and swap > 0 and limit is None:
        raise errors.InvalidInput("--memory-swap needs --memory: it is the sum of memory and swap")
    if limit is not None and swap is not None and 0 < swap < limit:
        raise errors.InvalidInput("--memory-swap is less than --memory: it is the sum of memory and swap")
    if limit is not None and reservation is not None and reservation > limit:
        raise errors.InvalidInput("--memory-reservation is more than --memory")
    if limit is not None and swap is None:
        swap = 2 * limit  # Docker's default: as much swap as memory
    if swap is not None and not facts.swap_accounting:
        if wanted.memory_swap:
            warnings.append("--memory-swap is ignored: this kernel does not account swap to cgroups")
        swap = None
    return oci.Memory(limit=limit, swap=swap, reservation=reservation)


def _cpu(wanted: Resources, facts: Facts) -> oci.Cpu:
    shares = wanted.cpu_shares or None
    if shares is not None and shares not in _SHARES:
        raise errors.InvalidInput(f"--cpu-shares {shares}: use {_SHARES.start} to {_SHARES.stop - 1}")
    if not wanted.cpus:
        return oci.Cpu(shares=shares)
    if not 0.01 <= wanted.cpus <= facts.cpus:
        raise errors.InvalidInput(f"--cpus {wanted.cpus:g}: use 0.01 to {facts.cpus}, as this host has {facts.cpus}")
    return oci.Cpu(shares=shares, quota=round(wanted.cpus * _PERIOD), period=_PERIOD)


def _with_sets(cpu: oci.Cpu, wanted: Resources, facts: Facts) -> oci.Cpu:
    _check_set("--cpuset-cpus", wanted.cpuset_cpus, facts.cpu_set)
    _check_set("--cpuset-mems", wanted.cpuset_mems, facts.memory_nodes)
    return oci.Cpu(cpu.shares, cpu.quota, cpu.period, wanted.cpuset_cpus, wanted.cpuset_mems)


def _check_set(flag: str, text: str, there: frozenset[int]) -> None:
    try:
        asked = number_set(text)
    except ValueError:
        raise errors.InvalidInput(f"{flag} {text}: this is no list of numbers", hint="like 0-2,4") from None
    if not asked <= there:
        have = ",".join(map(str, sorted(there)))
        raise errors.InvalidInput(f"{flag} {text}: not available", hint=f"this host has {have}")


# -- setrlimit(2) --------------------------------------------------------------------------------------------------


def rlimits(ulimits: tuple[Ulimit, ...]) -> tuple[tuple[oci.Rlimit, ...], tuple[str, ...]]:
    """The limits, lowered to what this process may hand on, and warnings about those that were lowered."""
    made = [_rlimit(ulimit) for ulimit in ulimits]
    return tuple(limit for limit, _ in made), tuple(warning for _, warning in made if warning)


def _rlimit(ulimit: Ulimit) -> tuple[oci.Rlimit, str]:
    if ulimit.name not in RLIMITS:
        raise errors.InvalidInput(f"--ulimit {ulimit.name}: no such limit", hint=f"one of {', '.join(RLIMITS)}")
    soft, hard = _unsigned(ulimit.soft), _unsigned(ulimit.hard)
    if soft > hard:
        raise errors.InvalidInput(f"--ulimit {ulimit.name}: the soft limit {ulimit.soft} is above the hard one")
    ceiling = _unsigned(resource.getrlimit(RLIMITS.index(ulimit.name))[1])
    warning = ""
    if hard > ceiling and "CAP_SYS_RESOURCE" not in capabilities.available():
        warning = f"--ulimit {ulimit.name}: lowered to {ceiling}, the most this host lets the daemon give"
        soft, hard = min(soft, ceiling), ceiling
    return oci.Rlimit(type=f"RLIMIT_{ulimit.name.upper()}", hard=hard, soft=soft), warning


def _unsigned(value: int) -> int:
    return RLIM_INFINITY if value < 0 else value


# -- sysctl(8) -----------------------------------------------------------------------------------------------------


def sysctls(launch: Launch) -> dict[str, str]:
    """What is set in the guest's own namespaces: defaults, then what was asked for."""
    spec = launch.guest.spec
    own_network = launch.netns and not spec.network.startswith("container:")
    made = dict(_NETWORK_SYSCTLS) if own_network else {}
    if spec.domainname and not launch.uts_ns:
        made[_DOMAINNAME] = spec.domainname
    return {**made, **spec.sysctls}


def check_sysctls(spec: GuestSpec) -> None:
    """``InvalidInput`` for what belongs to the whole host, or to a namespace this guest does not have of its own."""
    for name in spec.sysctls:
        mode, flag = _namespace_of(name, spec)
        if mode == "host":
            raise errors.InvalidInput(f"--sysctl {name}: not with {flag} host, it would change the host")


def _namespace_of(name: str, spec: GuestSpec) -> tuple[str, str]:
    if name.startswith("net."):
        return spec.network, "--network"
    if name in _IPC_SYSCTLS or name.startswith("fs.mqueue."):
        return spec.ipc_mode, "--ipc"
    if name == _DOMAINNAME:
        return spec.uts_mode, "--uts"
    raise errors.InvalidInput(
        f"--sysctl {name}: it is not a guest's own",
        hint="net.*, fs.mqueue.*, kernel.msg*, kernel.sem and kernel.shm* are",
    )
