"""``ContainerRuntime``: the ``container`` kind, over crun or runc.

Synchronous and thread-safe: it holds no state of its own but which runtime works, which never changes once found.
Operations on one guest must come one at a time; the engine sees to that.

Who asks what, and when. The keeper runs the plans of ``prepare`` and ``prepare_exec`` and waits for the guest's first
process. When that has ended, the engine asks ``oom_killed`` first, as the answer is in the guest's cgroup, then calls
``delete``. ``recover`` is for a daemon that starts: whatever is left of guests it no longer knows goes away.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from wirt import errors
from wirt.container import apparmor, runtime, spec, words
from wirt.container.doctor import findings
from wirt.container.process import exec_process
from wirt.container.runtime import DEFAULT_ORDER, ENVIRONMENT, OciRuntime
from wirt.host import cgroup
from wirt.host.failures import explaining
from wirt.kinds import limits
from wirt.kinds.facts import host_facts
from wirt.kinds.groups import Groups
from wirt.model.finding import Finding
from wirt.model.guest import ExecSpec, Guest, GuestSpec, Resources
from wirt.model.host import Stats, TopView
from wirt.model.launch import Console, Launch, Plan

__all__ = ["ContainerRuntime"]

_COMMAND_TIMEOUT = 60.0  # seconds; an update takes milliseconds


class ContainerRuntime:
    """``state`` and ``run``: the daemon's folders. ``cgroup_parent``: where guests' cgroups are, in every hierarchy."""

    def __init__(
        self, state: Path, run: Path, *, order: tuple[str, ...] = DEFAULT_ORDER, cgroup_parent: str = "/wirt"
    ) -> None:
        self._state = state
        self._run = run
        self._order = order
        self._facts = host_facts()
        self._layout = cgroup.host_layout()
        self._groups = Groups(cgroup_parent, self._layout, self._facts)
        self._lock = threading.Lock()
        self._found: dict[str, OciRuntime] = {}  # name -> what works; the first is the chosen one

    # -- what this host has -----------------------------------------------------------------------------------------

    @property
    def runtime(self) -> OciRuntime:
        """The chosen one, proven; ``Unavailable`` says why there is none. The first call may take 0.1 s."""
        with self._lock:
            if not self._found:
                chosen = runtime.choose(self._state, self._facts, self._layout, self._order)
                self._found[chosen.name] = chosen
            return next(iter(self._found.values()))

    @property
    def description(self) -> str:
        """Its name and version, or that there is none."""
        try:
            return self.runtime.version or self.runtime.name
        except errors.Unavailable:
            return "no OCI runtime that works"

    def warm(self) -> None:
        """Find the runtime and make the default seccomp filter, so that the first guest need not wait (30 ms)."""
        spec.warm(self._facts, ready_filter=self.runtime.takes_filter)

    def probe(self) -> list[Finding]:
        """For ``wirt doctor``; takes a second."""
        probes = [runtime.probe_runtime(name, self._state, self._facts, self._layout) for name in self._order]
        return findings(probes, self._facts, self._layout)

    def check(self, wanted: GuestSpec) -> tuple[str, ...]:
        """Warnings about what this host leaves out; ``InvalidInput`` for what cannot be."""
        return spec.check(wanted, self._facts)

    # -- starting ---------------------------------------------------------------------------------------------------

    def prepare(self, launch: Launch) -> Plan:
        """Write the bundle. The plan ends when the guest runs; its first process is then the keeper's to wait for."""
        guest, bundle = launch.guest, Path(launch.bundle)
        oci = self.runtime
        if (self._root(oci) / guest.id).exists():
            self.delete(guest.id)  # left by a crash, or by a keeper that could not report
        path = self.cgroup_path(guest.id)
        config = spec.build(launch, self._facts, cgroup_path=path, ready_filter=oci.takes_filter)
        _write(bundle / "config.json", config)
        if self._facts.apparmor:
            apparmor.ensure_loaded()
        console = self._console(guest.id, "console") if guest.spec.tty else ""
        return self._plan(oci, guest.id, bundle, console, ("run", f"--bundle={bundle}"))

    def prepare_exec(self, guest: Guest, pid: int, wanted: ExecSpec, exec_id: str, folder: Path) -> Plan:
        """``pid``: the running guest's first process. ``folder``: where this exec's files go; it is made."""
        try:
            process = exec_process(guest, self._facts, f"/proc/{pid}/root", wanted)
        except (FileNotFoundError, ProcessLookupError):
            raise errors.Conflict(f"{guest.name or guest.id[:12]} is not running") from None
        file = folder / "process.json"
        _write(file, msgspec.json.encode(process))
        console = self._console(guest.id, f"x-{exec_id[:12]}") if wanted.tty else ""
        return self._plan(self._of(guest.id), guest.id, folder, console, ("exec", f"--process={file}"))

    def explain(self, text: str, command: str = "") -> errors.StartFailed:
        """The error for what the runtime wrote to ``Plan.error_log``. ``command``: the program it was to start."""
        return words.explain(text, command)

    def _plan(self, oci: OciRuntime, guest_id: str, folder: Path, console: str, verb: tuple[str, str]) -> Plan:
        pid_file, log = folder / "pid", folder / "runtime.log"
        for stale in (pid_file, log):
            stale.unlink(missing_ok=True)
        options = [*verb, "--detach", f"--pid-file={pid_file}"]
        if console:
            options.append(f"--console-socket={console}")
        procs = self._joined(oci, guest_id)
        return Plan(
            argv=oci.command(str(self._root(oci)), *options, guest_id, log=str(log), procs=procs),
            pid_file=str(pid_file),
            console=Console.SOCKET if console else Console.NONE,
            console_socket=console,
            error_log=str(log),
            env=ENVIRONMENT,
        )

    def _joined(self, oci: OciRuntime, guest_id: str) -> str:
        """A runtime that does not see v2 cannot make the guest's cgroup there: we do, and its launcher joins it."""
        if not oci.view:
            return ""
        folder = self._layout.unified + self.cgroup_path(guest_id)
        with explaining(f"make the cgroup {folder}"):
            cgroup.make(folder)
        return f"{folder}/cgroup.procs"

    def _console(self, guest_id: str, name: str) -> str:
        """A short path: what bind(2) takes of one ends at 107 bytes."""
        folder = self._run / "g" / guest_id[:12]
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder / f"{name}.sock")

    # -- while it runs ----------------------------------------------------------------------------------------------

    def pause(self, guest_id: str) -> None:
        """By the cgroup, not the runtime: of the runtimes, one does not wait, one gives up early."""
        self._groups.pause(guest_id)

    def resume(self, guest_id: str) -> None:
        self._groups.resume(guest_id)

    def update(self, guest_id: str, resources: Resources) -> tuple[str, ...]:
        """Set every limit that ``resources`` names; the warnings are ``check``'s."""
        wanted, warnings = limits.resources(resources, self._facts)
        file = self._root(self._of(guest_id)) / guest_id / "wirt-update.json"
        _write(file, msgspec.json.encode(wanted))
        try:
            self._call(guest_id, "update", f"--resources={file}")
        finally:
            file.unlink(missing_ok=True)
        return warnings

    def kill(self, guest: Guest, signal_name: str, *, everyone: bool = False) -> None:
        self._groups.kill(guest, signal_name, everyone=everyone)

    def pids(self, guest_id: str) -> list[int]:
        """Every process in the guest, by the host's numbers."""
        return self._groups.pids(guest_id)

    def kick(self, guest: Guest) -> list[int]:
        """Nobody in a container takes orders."""
        raise errors.InvalidInput(f"{guest.name or guest.id[:12]} is a container, and takes no orders")

    @property
    def platform(self) -> str:
        return ""

    def write_down(self, guest: Guest, bases: Mapping[int, int], records: int, folder: Path) -> int:  # noqa: ARG002
        """Nobody in a container answers the order that comes before."""
        raise errors.InvalidInput(f"{guest.name or guest.id[:12]} is a container, whose memory cannot be saved")

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

    def exists(self, guest_id: str) -> bool:
        """Whether anything of a container is left: the runtime's notes on it, or a cgroup."""
        return any(root.exists() for root in self._roots(guest_id)) or self._groups.exists(guest_id)

    def delete(self, guest_id: str, *, force: bool = False) -> None:
        """Take away the cgroups and the runtime's notes: all a runtime's own ``delete`` does, in a tenth of its time.

        ``Conflict`` when processes are left in it, unless ``force``: then they are killed.
        """
        self._groups.delete(guest_id, force=force)
        for root in self._roots(guest_id):
            shutil.rmtree(root, ignore_errors=True)

    def recover(self, live: Iterable[str]) -> list[str]:
        """Kill and delete what belongs to no guest of ``live``; their ids. ``live`` must name guests of every kind."""
        there = self._groups.all()
        for root in (self._run / "runtime").glob("*"):
            there.update(entry.name for entry in root.iterdir() if not entry.name.startswith("."))
        gone = sorted(there.difference(live))
        for guest_id in gone:
            self.delete(guest_id, force=True)
        return gone

    def close(self) -> None:
        """Remove the cgroup all guests' cgroups were in, if there are none left."""
        self._groups.close()

    # -- the runtime ------------------------------------------------------------------------------------------------

    def _root(self, oci: OciRuntime) -> Path:
        """Where a runtime keeps its notes; one each, so that a guest's tells which runtime started it."""
        return self._run / "runtime" / oci.name

    def _roots(self, guest_id: str) -> list[Path]:
        return [root / guest_id for root in (self._run / "runtime").glob("*")]

    def _of(self, guest_id: str) -> OciRuntime:
        """The runtime that started a guest, be it the chosen one now or not."""
        for notes in self._roots(guest_id):
            if notes.exists():
                return self._named(notes.parent.name)
        raise errors.Conflict(f"{guest_id[:12]} is not running")

    def _named(self, name: str) -> OciRuntime:
        if self.runtime.name == name:
            return self.runtime
        with self._lock:
            if name not in self._found:
                probe = runtime.probe_runtime(name, self._state, self._facts, self._layout)
                if probe.runtime is None:
                    raise errors.Unavailable(f"{name}, which started this guest, no longer works: {probe.words}")
                self._found[name] = probe.runtime
            return self._found[name]

    def _call(self, guest_id: str, verb: str, *options: str) -> None:
        oci = self._of(guest_id)
        command = oci.command(str(self._root(oci)), verb, *options, guest_id)
        try:
            status, said = runtime.execute(command, _COMMAND_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise errors.RuntimeFailure(f"{oci.name} {verb} did not end in {_COMMAND_TIMEOUT:.0f} seconds") from None
        if status:
            raise errors.RuntimeFailure(f"{oci.name} {verb}: {words.complaint(said) or 'it said nothing'}")


def _write(file: Path, data: bytes) -> None:
    """With its folder. Not synced: a bundle is made anew for every start."""
    with explaining(f"write {file}"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
