"""Which OCI runtime this host can use: not the one that is installed, but the first that runs a container.

Proof is a container whose only program ends with a number of its own. What was found is remembered for as long as the
kernel and the programs stay the same.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wirt import errors
from wirt.container import programs
from wirt.container.spec import build
from wirt.host.cgroup import CgroupLayout, CgroupMode, remove
from wirt.host.files import write_atomic
from wirt.kinds.facts import Facts
from wirt.model.guest import Guest, GuestSpec
from wirt.model.launch import Launch

__all__ = ["DEFAULT_ORDER", "ENVIRONMENT", "OciRuntime", "Probe", "choose", "execute", "probe_runtime"]

DEFAULT_ORDER = ("crun", "runc")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = (f"PATH={PATH}",)  # all that a runtime needs of one

_TIMEOUT = 20.0  # seconds for a container that takes milliseconds
_PATIENCE = 2.0
_UNIFIED = "/sys/fs/cgroup/unified"  # where crun looks for v2 on a hybrid host, and nowhere else


class OciRuntime(msgspec.Struct, frozen=True):
    """``view``: the program of ``programs.v1_view`` to start it through, or "". ``version``: its own first line."""

    name: str
    path: str
    version: str = ""
    view: str = ""

    @property
    def takes_filter(self) -> bool:
        """Whether it knows crun's annotation for a ready seccomp filter."""
        return self.name == "crun"

    def command(self, root: str, *words: str, log: str = "", procs: str = "") -> tuple[str, ...]:
        """A command line. ``log``: the file for its complaints. ``procs``: the cgroup.procs it joins in v2 by itself.

        crun logs as text: what it logs as JSON it also writes to the guest's standard error as JSON.
        """
        through = (self.view, procs) if self.view else ()
        if not log:
            logging: tuple[str, ...] = ()
        elif self.name == "crun":
            logging = (f"--log=file:{log}",)
        else:
            logging = (f"--log={log}", "--log-format=json")
        return (*through, self.path, f"--root={root}", *logging, *words)


@dataclass(frozen=True, slots=True)
class Probe:
    """One runtime's trial: ``runtime`` when it works, else ``words`` say what it said."""

    name: str
    runtime: OciRuntime | None
    words: str = ""


class _Remembered(msgspec.Struct, frozen=True):
    key: str
    runtime: OciRuntime


def choose(state: Path, facts: Facts, layout: CgroupLayout, order: tuple[str, ...] = DEFAULT_ORDER) -> OciRuntime:
    """The first of ``order`` (names or paths) that works. ``Unavailable`` carries what each of them said."""
    memory = state / "cache" / "oci-runtime.json"
    key = _key(order)
    with contextlib.suppress(OSError, msgspec.DecodeError):
        remembered = msgspec.json.decode(memory.read_bytes(), type=_Remembered)
        view = remembered.runtime.view
        if remembered.key == key and (not view or (view == str(_view_path(state, facts)) and Path(view).exists())):
            return remembered.runtime
    refusals: list[str] = []
    for name in order:
        probe = probe_runtime(name, state, facts, layout)
        if probe.runtime:
            memory.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(memory, msgspec.json.encode(_Remembered(key, probe.runtime)))
            return probe.runtime
        refusals.append(f"{name}: {probe.words}")
    raise errors.Unavailable(
        f"no OCI runtime works on this host ({'; '.join(refusals)})", hint="apt install crun, or apt install runc"
    )


def probe_runtime(name: str, state: Path, facts: Facts, layout: CgroupLayout) -> Probe:
    """Run a container with one runtime; on a hybrid host, crun again without sight of v2."""
    path = shutil.which(name, path=PATH)
    if path is None:
        return Probe(name, None, "not installed")
    runtime = OciRuntime(Path(name).name, path, _version(path))
    words = _trial(runtime, state, facts, layout)
    if not words:
        return Probe(name, runtime)
    view = _view(state, facts, layout) if runtime.name == "crun" else ""
    if view:
        hidden = OciRuntime(runtime.name, path, runtime.version, view)
        if not _trial(hidden, state, facts, layout):
            return Probe(name, hidden)
    return Probe(name, None, words)


def execute(command: tuple[str, ...], timeout: float) -> tuple[int, str]:
    """Run a runtime to its end: exit status and standard error. ``subprocess.TimeoutExpired`` after ``timeout`` s."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={"PATH": PATH},
        check=False,
    )
    return done.returncode, done.stderr


def _key(order: tuple[str, ...]) -> str:
    """Changes with the kernel's boot and with every candidate's program."""
    parts = [Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()]
    for name in order:
        path = shutil.which(name, path=PATH)
        parts.append(f"{path}:{Path(path).stat().st_mtime_ns}" if path else f"{name}:-")
    return " ".join(parts)


def _version(path: str) -> str:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    return done.stdout.partition("\n")[0].strip()


def _view(state: Path, facts: Facts, layout: CgroupLayout) -> str:
    """The program that hides v2, installed; "" where it would not help."""
    code = programs.v1_view(facts.machine)
    if layout.mode is not CgroupMode.HYBRID or layout.unified != _UNIFIED or code is None:
        return ""
    path = _view_path(state, facts)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, code, mode=0o755)
    return str(path)


def _view_path(state: Path, facts: Facts) -> Path:
    """Named for what is in it, so that a newer wirt does not start an older one's."""
    return state / "cache" / f"v1-view-{zlib.crc32(programs.v1_view(facts.machine) or b''):08x}"


# -- the trial -----------------------------------------------------------------------------------------------------


def _trial(runtime: OciRuntime, state: Path, facts: Facts, layout: CgroupLayout) -> str:
    """ "" when the runtime ran our program to its end, else what it said."""
    code = programs.proof(facts.machine)
    if code is None:
        return f"wirt cannot prove it on {facts.machine}"
    folder = state / "cache" / f"trial-{secrets.token_hex(6)}"
    cgroup = f"/wirt-{folder.name}"
    try:
        _lay_out(folder, code, cgroup, facts, ready=runtime.takes_filter)
        words = ("run", f"--bundle={folder}", folder.name)
        command = runtime.command(str(folder / "runtime"), *words, log=str(folder / "log"))
        status, said = execute(command, _TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"a container that does nothing did not end in {_TIMEOUT:.0f} seconds"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            remove(layout, cgroup, _PATIENCE)
    if status == programs.PROOF_STATUS:
        return ""
    return " ".join(said.split()) or f"it ended with {status} and said nothing"


def _lay_out(folder: Path, code: bytes, cgroup: str, facts: Facts, *, ready: bool) -> None:
    root = folder / "rootfs"
    root.mkdir(parents=True)
    program = root / "proof"
    program.write_bytes(code)
    program.chmod(0o755)
    guest = Guest(id=folder.name, name="", spec=GuestSpec(image=""), image_id="", created=0.0, argv=("/proof",))
    config = build(Launch(guest, str(root), str(folder)), facts, cgroup_path=cgroup, ready_filter=ready)
    (folder / "config.json").write_bytes(config)
