"""Differential conformance: one program run natively and as a guest, and all that can be seen of both.

A ``Runner`` runs a command in a fresh copy of a root. ``Native`` puts it straight on this host's kernel, in the
namespaces a guest has; ``Micro`` has it run by the sentry on one platform. Both give an ``Outcome``.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from framework.programs import PLACE, Program, lower_folders, stage
from framework.project import ROOT
from wirt.host.trees import remove_tree
from wirt.model.host import Level
from wirt.vmm.probe import probe

__all__ = [
    "PLATFORMS",
    "Command",
    "Micro",
    "Native",
    "Outcome",
    "Runner",
    "command_of",
    "expected_failure",
    "expected_failures_of",
    "require",
]

PLATFORMS = ("kvm", "software")
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
_MOUNTED = ("dev", "proc", "sys")
_SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_EXPECTED = PLACE / "expected_failures.toml"


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. ``lower``: the layers of its root; ``name``: for messages; ``seconds``: until it hangs."""

    name: str
    lower: str
    argv: Sequence[str]
    user: int = 0
    stdin: str = ""
    cwd: str = "/w"
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did. ``status``: its code, or 128 + the signal; None: it hung. ``files``: what it left behind."""

    status: int | None
    out: str
    err: str
    files: tuple[str, ...]


class Runner(Protocol):
    """Runs commands, each in a root of its own."""

    def run(self, command: Command) -> Outcome: ...


class Native:
    """On this host's kernel."""

    def run(self, command: Command) -> Outcome:
        user = str(command.user)

        def staged(root: str) -> list[str]:
            return [str(stage()), "enter", root, command.cwd, user, user, *command.argv]

        return _run(command, staged, dict(ENVIRONMENT))


class Micro:
    """By the sentry, on one of ``PLATFORMS``."""

    def __init__(self, platform: str) -> None:
        self.platform = platform

    def run(self, command: Command) -> Outcome:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        words = [word for item in ENVIRONMENT.items() for word in ("--env", "=".join(item))]

        def staged(root: str) -> list[str]:
            sentry = [sys.executable, "-m", "wirt.sentry.run", "--root", root, "--platform", self.platform, *words]
            return [*sentry, "--cwd", command.cwd, "--user", f"{command.user}:{command.user}", "--", *command.argv]

        return _run(command, staged, environment)


def command_of(program: Program, *, seconds: float) -> Command:
    """The command that runs a program; after ``seconds`` it hangs."""
    return Command(program.name, lower_folders(program), program.argv, program.user, program.stdin, seconds=seconds)


def _run(command: Command, staged: Callable[[str], list[str]], environment: dict[str, str]) -> Outcome:
    scratch = Path(tempfile.mkdtemp(prefix="wirt-c-", dir=_SCRATCH))
    try:
        work = scratch / "upper" / command.cwd.strip("/")
        work.mkdir(parents=True)
        (scratch / "upper").chmod(0o755)
        work.chmod(0o777)
        argv = [str(stage()), "overlay", command.lower, str(scratch), *staged(str(scratch / "root"))]
        status, out, err = _communicate(argv, command, environment)
        return Outcome(status, out, err, tuple(_left_behind(scratch / "upper")))
    finally:
        remove_tree(scratch)


def _communicate(argv: list[str], command: Command, environment: dict[str, str]) -> tuple[int | None, str, str]:
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    with process:
        try:
            out, err = process.communicate(command.stdin.encode(), timeout=command.seconds)
        except subprocess.TimeoutExpired:
            _end_all(process.pid)
            out, err = process.communicate()
            return None, _text(out), _text(err)
    code = process.returncode
    return (128 - code if code < 0 else code), _text(out), _text(err)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _end_all(pid: int) -> None:
    """Kills a process that hangs with all that it started, youngest first: namespaces go with their first process."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
    except OSError:
        return
    for child in children:
        _end_all(child)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _left_behind(upper: Path) -> Iterator[str]:
    """A line for every file of an overlay's upper folder: what it is, whose, how large, a digest of its contents."""
    for folder, names, files in os.walk(upper):
        here = Path(folder)
        if here == upper:
            names[:] = [name for name in names if name not in _MOUNTED]
        names.sort()
        for path in sorted(here / name for name in (*names, *files)):
            if path == upper / "tmp":  # whoever looks for a place there has touched it
                continue
            yield f"/{path.relative_to(upper)} {_described(path)}"


def _described(path: Path) -> str:
    status = path.lstat()
    whose = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if stat.S_ISREG(status.st_mode):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8] if status.st_size < 1 << 24 else "large"
        extra = [f"{name}={os.getxattr(path, name)!r}" for name in os.listxattr(path) if name.startswith("user.")]
        return " ".join([whose, f"links {status.st_nlink} size {status.st_size}", digest, *sorted(extra)])
    if stat.S_ISLNK(status.st_mode):
        return f"{whose} -> {path.readlink()}"
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return "deleted"
    return whose


@functools.cache
def _absent(platform: str) -> str:
    """Why a platform cannot be used here; empty when it can."""
    if platform == "kvm":
        finding = probe()[0]
        return "" if finding.level is Level.OK else f"no KVM that runs guests: {finding.found}"
    if importlib.util.find_spec("wirt.vmm.software") is None:
        return "this wirt has no software platform"
    return "" if importlib.util.find_spec("unicorn") else "no software platform: the package unicorn is not installed"


def require(platform: str) -> None:
    """Skips a test where its platform cannot be; where it can, nothing is skipped."""
    reason = _absent(platform)
    if reason:
        pytest.skip(reason)


@functools.cache
def _expected_failures() -> dict[str, dict[str, str]]:
    """By name: a table of platform ("kvm", "software") to the reason."""
    with _EXPECTED.open("rb") as file:
        return tomllib.load(file)


def expected_failures_of(platform: str) -> set[str]:
    """The names of all that is expected to fail on the platform."""
    return {name for name, reasons in _expected_failures().items() if platform in reasons}


def expected_failure(name: str, platform: str) -> str | None:
    """Why the case fails on the platform, if it is known to."""
    for pattern, reasons in _expected_failures().items():
        if re.fullmatch(pattern.replace("*", ".*"), name) and platform in reasons:
            return reasons[platform]
    return None
