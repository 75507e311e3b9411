"""``MicroRuntime``: the ``micro`` kind, over the keeper's own forks.

Synchronous and thread-safe: it holds no state of its own but which platform works, which never changes once found.
Operations on one guest must come one at a time; the engine sees to that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from wirt import errors
from wirt.abi import oci_runtime as oci
from wirt.abi.linux.capability import CAPABILITIES
from wirt.abi.oci_runtime import Rlimit
from wirt.host.cgroup import host_layout
from wirt.host.failures import explaining
from wirt.kinds import capabilities, limits
from wirt.kinds.facts import host_facts
from wirt.kinds.groups import Groups
from wirt.kinds.mounts import mounts
from wirt.kinds.program import Surroundings, first_program, further_program, surroundings
from wirt.micro import config, doctor, groups
from wirt.micro.capture import capture
from wirt.micro.choice import KVM, Choice
from wirt.micro.config import MonitorConfig, MountPlan
from wirt.micro.filter import program as filter_program
from wirt.micro.wishes import check
from wirt.model.finding import Finding
from wirt.model.guest import ExecSpec, Guest, GuestSpec, Resources
from wirt.model.host import Stats, TopView
from wirt.model.launch import Console, Launch, Plan
from wirt.vmm.platform import KICK

__all__ = ["MicroRuntime"]

_CONFIG = "monitor.json"
_REFUSAL = re.compile(r"(12[567]) (.*)", re.DOTALL)
_SUPERVISOR = 1 << 30  # bytes of page tables and the like that a guest may have beside its memory
_KILLED = "ended with status 137"
_SENTRYS_OWN = frozenset(("proc", "sysfs", "cgroup"))  # file systems that the host does not mount for these guests


class MicroRuntime:
    """``cgroup_parent``: where guests' cgroups are, in every hierarchy; shared with other kinds of guest.

    ``platform``: "kvm" or "software"; or "auto", the best one that works.
    """

    def __init__(self, *, cgroup_parent: str = "/wirt", platform: str = "auto") -> None:
        self._choice = Choice(platform)
        self._facts = host_facts()
        self._groups = Groups(cgroup_parent, host_layout(), self._facts)

    # -- what this host has -----------------------------------------------------------------------------------------

    @property
    def description(self) -> str:
        """What the virtual processors are made of, if that is known by now: finding out may take seconds."""
        return f"wirt's own monitor ({self._choice.known() or 'not tried yet'})"

    def warm(self) -> None:
        """Find out which platform works and make the filter, so that the first guest need not wait."""
        self._filter(self._choice.platform())

    def probe(self) -> list[Finding]:
        """For ``wirt doctor``; takes two seconds at worst."""
        return doctor.findings(self._choice)

    def check(self, wanted: GuestSpec) -> tuple[str, ...]:
        """Warnings about what has no effect; ``InvalidInput`` for what a micro guest cannot have.

        That guests are slow here, without anybody having asked for it, is said once.
        """
        return (*check(wanted, self._facts), *self._choice.news())

    # -- starting ---------------------------------------------------------------------------------------------------

    def prepare(self, launch: Launch) -> Plan:
        """Write what the monitor reads; its cgroup is made and limited here, where an error still finds its way."""
        guest = launch.guest
        spec = guest.spec
        if self._groups.exists(guest.id):
            self.delete(guest.id, force=True)  # left by a crash
        program = first_program(launch)
        around = surroundings(guest, launch.rootfs, program)
        wanted = self._with_workers(limits.resources(spec.resources, self._facts)[0])
        cgroups = groups.make(self._groups.layout, self._groups.path(guest.id), wanted)
        monitor = self._monitor(
            guest,
            program,
            around,
            cgroups=cgroups,
            rootfs=launch.rootfs,
            read_only=spec.read_only,
            mounts=tuple(
                MountPlan(entry.destination, entry.type, entry.source, entry.options)
                for entry in mounts(launch, self._facts)
                if entry.type not in _SENTRYS_OWN
            ),
            netns=launch.netns,
            ipc_ns=launch.ipc_ns,
            uts_ns=launch.uts_ns,
            sysctls=tuple(limits.sysctls(launch).items()),
            saved=launch.saved,
        )
        return _plan(Path(launch.bundle), monitor, launch.pid_ns)

    def prepare_exec(self, guest: Guest, pid: int, wanted: ExecSpec, exec_id: str, folder: Path) -> Plan:  # noqa: ARG002
        """``pid``: the running guest's first process. ``folder``: where this exec's files go."""
        if wanted.privileged:
            raise errors.InvalidInput("--privileged has no meaning in a micro guest", hint="leave it out")
        program = further_program(wanted)
        try:
            around = surroundings(guest, f"/proc/{pid}/root", program)
        except (FileNotFoundError, ProcessLookupError):
            raise errors.Conflict(f"{guest.name or guest.id[:12]} is not running") from None
        cgroups = groups.doors(self._groups.layout, self._groups.path(guest.id))
        return _plan(folder, self._monitor(guest, program, around, cgroups=cgroups, join=pid), "")

    def _monitor(self, guest: Guest, program: ExecSpec, around: Surroundings, **more: object) -> MonitorConfig:
        """What every program of a guest has; ``more``: what is its first one's, or a further one's alone."""
        spec = guest.spec
        platform = self._choice.platform()
        account = around.account
        ulimits = limits.rlimits(spec.ulimits)[0]
        asked = spec.resources.memory or 0
        return MonitorConfig(
            platform=platform,
            seccomp=self._filter(platform),
            argv=program.command,
            env=around.env,
            cwd=around.folder,
            uid=account.uid,
            gid=account.gid,
            groups=account.groups,
            tty=program.tty,
            size=program.size,
            capabilities=_mask(capabilities.granted(spec.cap_add, spec.cap_drop, privileged=False)),
            rlimits=tuple(_ulimit(limit) for limit in ulimits),
            memory=min(asked, self._facts.memory) if asked > 0 else self._facts.memory,
            cpus=self._facts.cpus,
            hostname=guest.hostname,
            **more,  # type: ignore[arg-type]
        )

    def _filter(self, platform: str) -> str:
        return filter_program(executable=platform != KVM)

    def explain(self, text: str, command: str = "") -> errors.StartFailed:  # noqa: ARG002 - the monitor names it
        """The monitor speaks Docker's words already; what is left is a monitor that could not say anything."""
        if match := _REFUSAL.fullmatch(text):
            return errors.StartFailed(match[2], exit_code=int(match[1]))
        if text.endswith(_KILLED):
            return errors.StartFailed(
                "the guest was killed before its program was started",
                hint="if it has a memory limit, give it more: --memory 32m is the least that makes sense",
            )
        return errors.StartFailed(text or "the monitor failed and said nothing", hint="see wirt doctor")

    # -- while it runs ----------------------------------------------------------------------------------------------

    def pause(self, guest_id: str) -> None:
        self._groups.pause(guest_id)

    def resume(self, guest_id: str) -> None:
        self._groups.resume(guest_id)

    def update(self, guest_id: str, resources: Resources) -> tuple[str, ...]:
        """Set every limit that ``resources`` names; how much a process may map stays as it was at the start."""
        wanted, warnings = limits.resources(resources, self._facts)
        groups.apply(self._groups.layout, self._groups.running(guest_id), self._with_workers(wanted))
        return warnings

    def _with_workers(self, wanted: oci.Resources) -> oci.Resources:
        """Room for the thread that KVM adds to each process that runs a machine (since Linux 6.12)."""
        if wanted.pids is None or wanted.pids.limit < 0 or self._choice.platform() != KVM:
            return wanted
        return msgspec.structs.replace(wanted, pids=oci.Pids(2 * wanted.pids.limit))

    def kill(self, guest: Guest, signal_name: str, *, everyone: bool = False) -> None:
        self._groups.kill(guest, signal_name, everyone=everyone)

    def kick(self, guest: Guest) -> list[int]:
        """Make every process look at its orders; who they are, by the host's numbers."""
        return self._groups.signal_all(guest.id, KICK)

    @property
    def platform(self) -> str:
        return self._choice.platform()

    def write_down(self, guest: Guest, bases: Mapping[int, int], records: int, folder: Path) -> int:
        most = len(bases) * _SUPERVISOR + (guest.spec.resources.memory or self._facts.memory)
        return capture(bases, records, folder, most)

    def stats(self, guest: Guest) -> Stats:
        return self._groups.stats(guest)

    def top(self, guest_id: str, ps_args: str = "") -> TopView:
        return self._groups.top(guest_id, ps_args)

    def cgroup_path(self, guest_id: str) -> str:
        """Below every hierarchy's mount point."""
        return self._groups.path(guest_id)

    # -- when it has ended ------------------------------------------------------------------------------------------

    def oom_killed(self, guest_id: str) -> bool:
        return self._groups.oom_killed(guest_id)

    def delete(self, guest_id: str, *, force: bool = False) -> None:
        """The cgroup is all there is; ``Conflict`` when processes are left in it, unless ``force``."""
        self._groups.delete(guest_id, force=force)

    def recover(self, live: Collection[str]) -> list[str]:
        """Kill and delete what belongs to no guest of ``live``, which names guests of every kind; their ids."""
        gone = sorted(self._groups.all().difference(live))
        for guest_id in gone:
            self.delete(guest_id, force=True)
        return gone

    def close(self) -> None:
        """Remove the cgroup all guests' cgroups were in, if there are none left."""
        self._groups.close()


def _plan(folder: Path, monitor: MonitorConfig, pid_ns: str) -> Plan:
    path = folder / _CONFIG
    with explaining(f"write {path}"):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(config.write(monitor))
    console = Console.MONITOR if monitor.tty else Console.NONE
    return Plan(monitor=str(path), console=console, pid_ns=pid_ns, platform=monitor.platform)


def _mask(names: Collection[str]) -> int:
    """Of the default capabilities alone: others would be worth nothing in a user namespace that owns nothing."""
    kept = set(names).intersection(capabilities.DEFAULT)
    return sum(1 << CAPABILITIES.index(name) for name in kept)


def _ulimit(limit: Rlimit) -> tuple[str, int, int]:
    return limit.type.removeprefix("RLIMIT_").lower(), limit.soft, limit.hard
