"""The contestants: wirt, and beside it docker, podman and the bare runtime, all over one and the same busybox.

Peers that this machine lacks are fetched from Debian's packages and *unpacked* into ``build/peers``, not installed: no
service starts, no configuration changes, nothing needs to be undone. Their data, sockets and settings live in the lab.
The image is one tar of a busybox root file system, imported by each, so no registry is asked.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from measure import Command

__all__ = ["IMAGE", "Engine", "docker", "fetch", "fetch_qiling", "podman", "qiling", "runc", "runsc", "wirt"]

IMAGE = "busybox"
PROJECT = Path(__file__).parent.parent
UNPACKED = PROJECT / "build" / "peers"
PACKAGES = ("docker.io", "podman", "netavark", "iptables", "runc", "runsc", "busybox-static", "tini")
# Of these the tests read a file; what they depend on (most of Go's libraries) is left out.
REFERENCES = ("golang-github-docker-docker-dev",)
APPLETS = ("sh", "true", "sleep", "cat", "echo", "ls")
_QILING = UNPACKED / "qiling"
DEADLINE = 30.0  # seconds a peer's daemon may take to come up


@dataclass(frozen=True, slots=True)
class Engine:
    """A contestant that speaks docker's command line, with ``busybox`` in its image store."""

    name: str
    prefix: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)

    def command(self, label: str, *words: str, unique: bool = False) -> Command:
        return Command(f"{self.name} {label}", (*self.prefix, *words), self.env, unique)

    def run(self, network: str = "", *, kind: str = "") -> Command:
        """``run --rm``; ``network`` "" is the default one, and ``kind`` (wirt's alone) too."""
        chosen = [f"--{name}={value}" for name, value in (("network", network), ("kind", kind)) if value]
        label = f"run{' ' if kind else ''}{kind}, {network or 'default'} network"
        return self.command(label, "run", "--rm", *chosen, IMAGE, "true")

    def start(self, name: str) -> Command:
        """A container that sleeps in the background."""
        return self.command("run -d", "run", "-d", "--name", name, "--network=none", IMAGE, "sleep", "10000")

    def execute(self, name: str) -> Command:
        return self.command("exec", "exec", name, "true")

    def call(self, *words: str, data: bytes | None = None) -> str:
        """Runs a command that is not measured and returns its output; a failure ends the benchmark."""
        return _call([*self.prefix, *words], self.env, data)

    def remove(self, *names: str) -> None:
        self.call("rm", "-f", *names)


def fetch() -> None:
    """What the peers need and this machine lacks, from Debian's packages (the lab itself has no network)."""
    fetched = UNPACKED / "fetched"
    wanted = [*PACKAGES, *REFERENCES]
    if fetched.exists() and fetched.read_text().split() == wanted:
        return
    (UNPACKED / "root").mkdir(parents=True, exist_ok=True)
    missing = [*_missing(), *REFERENCES]
    print(f"fetching {', '.join(missing)} into {UNPACKED.relative_to(PROJECT)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="wirt-peers-") as scratch:
        subprocess.run(["apt-get", "-qq", "download", *missing], cwd=scratch, check=True, stderr=subprocess.DEVNULL)
        for archive in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), str(UNPACKED / "root")], check=True)
    _alternatives()
    fetched.write_text(" ".join(wanted))


def wirt(folder: Path, *, platform: str = "auto") -> Engine:
    """wirt as installed in the project's environment, with folders of its own; its daemon starts on demand.

    ``platform``: what its micro guests run on.
    """
    base = folder / "wirt"
    base.mkdir()
    (base / "config.toml").write_text(f'[micro]\nplatform = "{platform}"\n')
    env = {"WIRT_STATE": str(base / "state"), "WIRT_RUN": str(base / "run"), "WIRT_CONFIG": str(base / "config.toml")}
    program = shutil.which("wirt", path=str(PROJECT / ".venv" / "bin")) or shutil.which("wirt")
    if program is None:
        sys.exit("bench: wirt is not installed: run `make venv`")
    engine = Engine("wirt", (program,), env)
    engine.call("image", "import", "-", IMAGE, data=_rootfs())
    return engine


def docker(folder: Path) -> Engine:
    """dockerd on a socket of its own, data and state in ``folder``."""
    base = folder / "docker"
    base.mkdir()
    address = base / "s"
    flags = ["--data-root", base / "data", "--exec-root", base / "exec", "--pidfile", base / "pid"]
    with (base / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [_program("dockerd"), *map(str, flags), "--host", f"unix://{address}"],
            env=_environment(),
            stdout=log,
            stderr=log,
        )
    _wait_until_it_answers(address, daemon, base / "log")
    engine = Engine("docker", (_program("docker"),), {**_environment(), "DOCKER_HOST": f"unix://{address}"})
    engine.call("import", "-", IMAGE, data=_rootfs())
    return engine


def podman(folder: Path) -> Engine:
    """podman with root, run root and settings in ``folder``; runc as its runtime, as docker has."""
    base = folder / "podman"
    (base / "networks").mkdir(parents=True)
    helpers = [str(root / "usr/lib/podman") for root in (UNPACKED / "root", Path("/"))]
    libraries = [f"{name}={value}" for name, value in _environment().items() if name == "LD_LIBRARY_PATH"]
    (base / "containers.conf").write_text(
        f"[engine]\nconmon_env_vars = {libraries!r}\nhelper_binaries_dir = {helpers!r}\n"
        f"conmon_path = [{_program('conmon')!r}]\n"
        'events_logger = "none"\ncgroup_manager = "cgroupfs"\nruntime = "runc"\n'
        f'[network]\nnetwork_backend = "netavark"\nnetwork_config_dir = "{base}/networks"\n'
    )
    env = {**_environment(), "CONTAINERS_CONF": str(base / "containers.conf"), "TMPDIR": str(base)}
    (base / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    engine = Engine("podman", (_program("podman"), "--root", str(base / "root"), "--runroot", str(base / "run")), env)
    engine.call("import", "-q", "--signature-policy", str(base / "policy.json"), "-", IMAGE, data=_rootfs())
    return engine


@dataclass(frozen=True, slots=True)
class runc:  # noqa: N801 - stands beside the functions above
    """The bare OCI runtime over the unpacked root file system: the floor under every engine here."""

    folder: Path

    def run(self) -> Command:
        """``runc run`` of ``true`` in fresh namespaces, no network but an unconfigured loopback."""
        bundle = self.bundle("run", ["true"])
        return Command("runc run", self._argv("run", "--bundle", str(bundle), "@"), _environment(), unique=True)

    def start(self, name: str) -> None:
        bundle = self.bundle(name, ["sleep", "10000"])
        argv = self._argv("run", "--detach", "--bundle", str(bundle), name)
        subprocess.run(argv, env=_environment(), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def execute(self, name: str) -> Command:
        return Command("runc exec", self._argv("exec", name, "true"), _environment())

    def remove(self, name: str) -> None:
        _call(list(self._argv("delete", "--force", name)), _environment())

    def _argv(self, *words: str) -> tuple[str, ...]:
        return (_program("runc"), "--root", str(self.folder / "runc" / "state"), *words)

    def bundle(self, name: str, args: list[str]) -> Path:
        """A bundle as ``runc spec`` makes it, without a terminal."""
        bundle = self.folder / "runc" / name
        rootfs = bundle / "rootfs"
        rootfs.mkdir(parents=True)
        _call(["tar", "-C", str(rootfs), "-x"], {}, _rootfs())
        _call([_program("runc"), "spec", "--bundle", str(bundle)], _environment())
        config = bundle / "config.json"
        words = ", ".join(f'"{word}"' for word in args)
        text = config.read_text().replace('"terminal": true', '"terminal": false').replace('"sh"', words)
        config.write_text(text)
        return bundle


def runsc(folder: Path) -> _Runsc:
    """gVisor, as Debian packages it."""
    return _Runsc(folder)


@dataclass(frozen=True, slots=True)
class _Runsc:
    """gVisor's ``runsc run`` on ptrace, its platform for hosts without a KVM it likes; the same root file system."""

    folder: Path

    def run(self) -> Command:
        bundle = runc(self.folder / "runsc").bundle("run", ["true"])
        options = ("--root", str(self.folder / "runsc-state"), "--platform=ptrace", "--network=none")
        words = (*options, "run", "--bundle", str(bundle), "@")
        return Command("runsc run", (_program("runsc"), *words), _environment(), unique=True)


def fetch_qiling() -> None:
    """qiling in an environment of its own, from PyPI; where that does not work, the benchmark does without."""
    if _QILING.exists():
        return
    print(f"fetching qiling into {_QILING.relative_to(PROJECT)}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(_QILING)], check=True)
    install = [_QILING / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "qiling"]
    if subprocess.run(install, stderr=subprocess.DEVNULL, check=False).returncode:
        shutil.rmtree(_QILING)


def qiling(program: Path) -> _Qiling | str:
    """A static program in qiling; or why it cannot be."""
    python = _QILING / "bin" / "python"
    if not python.exists():
        return "pip does not find it"
    made = _Qiling(python, program)
    argv = made.run("0").argv
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return made if done.returncode == 0 else f"it does not run: {(done.stderr.splitlines() or ['no word'])[-1]}"


@dataclass(frozen=True, slots=True)
class _Qiling:
    """Unicorn, with system calls in Python."""

    python: Path
    program: Path

    def run(self, *words: str) -> Command:
        script = (
            "import sys; from qiling import Qiling; from qiling.const import QL_VERBOSE; "
            "Qiling(sys.argv[2:], sys.argv[1], verbose=QL_VERBOSE.OFF).run()"
        )
        argv = (str(self.python), "-c", script, str(self.program.parent), str(self.program), *words)
        return Command("qiling", argv)


def _missing() -> list[str]:
    """The packages apt-get would add for the peers, in this machine's present state."""
    simulate = ["apt-get", "install", "--no-install-recommends", "--simulate", *PACKAGES]
    done = subprocess.run(simulate, capture_output=True, text=True, check=False)
    if done.returncode:  # a machine that has never asked its mirrors
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        done = subprocess.run(simulate, capture_output=True, text=True, check=True)
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]


def _alternatives() -> None:
    """The names that the iptables package's own installation would make (update-alternatives(1))."""
    folder = UNPACKED / "root" / "usr" / "sbin"
    if (folder / "xtables-nft-multi").exists():
        for name in (
            "iptables",
            "iptables-save",
            "iptables-restore",
            "ip6tables",
            "ip6tables-save",
            "ip6tables-restore",
        ):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to("xtables-nft-multi")


def _environment() -> dict[str, str]:
    """Where the peers' programs and libraries are found: unpacked ones before installed ones."""
    root = UNPACKED / "root"
    folders = [root / "usr/bin", root / "usr/sbin", root / "bin", root / "sbin"]
    libraries = [*map(str, root.glob("usr/lib/*-linux-gnu")), *map(str, root.glob("lib/*-linux-gnu"))]
    extensions = [*map(str, root.glob("usr/lib/*-linux-gnu/xtables"))]
    env = {"PATH": ":".join([*map(str, folders), os.environ["PATH"], "/usr/sbin", "/sbin", "/bin"])}
    if libraries:
        env["LD_LIBRARY_PATH"] = ":".join(libraries)
    if extensions:
        env["XTABLES_LIBDIR"] = ":".join(extensions)
    return env


def _rootfs() -> bytes:
    """A tar of a root file system with a static busybox and the few names used here."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        archive.add(_program("busybox"), "bin/busybox")
        for name in APPLETS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return buffer.getvalue()


def _program(name: str) -> str:
    """Where a peer's program is, unpacked or installed."""
    found = shutil.which(name, path=_environment()["PATH"])
    return found or sys.exit(f"bench: no {name}: remove {UNPACKED} and try again")


def _wait_until_it_answers(address: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Until dockerd answers a ping at ``address``; its last words if it ends or takes too long."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and daemon.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.settimeout(DEADLINE)
            probe.connect(str(address))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            if b" 200 " in probe.recv(64):
                return
        time.sleep(0.05)
    sys.exit(f"bench: dockerd did not come up: {log.read_text(errors='replace')[-500:]}")


def _call(argv: list[str], env: dict[str, str], data: bytes | None = None) -> str:
    stdin = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, check=False, **stdin)  # type: ignore[call-overload]
    if done.returncode:
        sys.exit(f"bench: {' '.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
    return str(done.stdout.decode())


if __name__ == "__main__":
    fetch()
