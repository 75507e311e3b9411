"""Differential conformance: one program run natively and as a guest, and all that can be seen of both.

A ``Runner`` runs a command in a fresh copy of a root. ``Native`` puts it straight on this host's kernel, in the
namespaces a guest has; ``Micro`` has it run by the sentry on one platform. Both give an ``Outcome``.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import mmap
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from framework.programs import Program, lower_folders, stage
from framework.project import ROOT
from wirt.host.trees import remove_tree

__all__ = [
    "Command",
    "GuestServer",
    "Micro",
    "Native",
    "Outcome",
    "Runner",
    "command_of",
    "difference",
]

ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
}
_MOUNTED = ("dev", "proc", "sys")
_MARKS = 1 << 12  # more than there are system calls
_SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


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

    def lines(self) -> list[str]:
        """All of it, as a person compares it."""
        parts = [f"status {self.status}", *self.out.splitlines(), "-- error", *self.err.splitlines(), "-- files"]
        return [*parts, *self.files]


def difference(native: Outcome, guest: Outcome) -> str:
    """Lines that are not in both; "" when they are equal."""
    if native == guest:
        return ""
    found = difflib.unified_diff(native.lines(), guest.lines(), "natively", "as a guest", lineterm="", n=2)
    return "\n".join(found) or "they end in other white space"


class Runner(Protocol):
    """Runs commands, each in a root of its own."""

    def run(self, command: Command) -> Outcome: ...


class Native:
    """On this host's kernel."""

    def run(self, command: Command) -> Outcome:
        return _run(command, self._start)

    def _start(self, command: Command, scratch: str, streams: _Streams) -> _Running:
        user = str(command.user)
        staged = [str(stage()), "enter", f"{scratch}/root", command.cwd, user, user, *command.argv]
        process = subprocess.Popen(
            [str(stage()), "overlay", command.lower, scratch, *staged],
            stdin=streams.theirs[0],
            stdout=streams.theirs[1],
            stderr=streams.theirs[2],
            env=ENVIRONMENT,
            start_new_session=True,
        )
        return _Running(process.pid, process.wait)


class GuestServer:
    """Whoever forks guests (``framework.guest_server``). It ends with the thread that made it, or when it is closed."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        marks = os.memfd_create("marks")
        os.ftruncate(marks, _MARKS)
        self._marks = mmap.mmap(marks, _MARKS)
        with theirs:
            fds = (theirs.fileno(), marks)
            argv = [sys.executable, "-m", "framework.guest_server", *map(str, fds)]
            environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
            self._process = subprocess.Popen(argv, env=environment, pass_fds=fds)
        os.close(marks)

    def made(self, mark: int) -> set[int]:
        """Numbers of the system calls that guests have made, with this mark of ``guest_server``'s."""
        return {number for number, found in enumerate(self._marks[:]) if found & mark}

    def start(self, request: dict[str, object], streams: Sequence[int]) -> _Running:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._requests, [json.dumps(request).encode()], [*streams, theirs.fileno()])
        said = ours.recv(64)
        if not said:
            ours.close()
            raise RuntimeError("the guest server has ended")

        def wait() -> int:
            with ours:
                word = ours.recv(64)
            return os.waitstatus_to_exitcode(int(word)) if word else -signal.SIGKILL

        return _Running(int(said), wait)

    def close(self) -> None:
        self._requests.close()
        self._process.wait()


class Micro:
    """By the sentry, on one of ``platforms.PLATFORMS``."""

    def __init__(self, platform: str, server: GuestServer) -> None:
        self.platform, self.server = platform, server

    def run(self, command: Command) -> Outcome:
        return _run(command, self._start)

    def _start(self, command: Command, scratch: str, streams: _Streams) -> _Running:
        words = [word for item in ENVIRONMENT.items() for word in ("--env", "=".join(item))]
        who = f"{command.user}:{command.user}"
        own = ["--root", f"{scratch}/root", "--platform", self.platform, "--cwd", command.cwd, "--user", who]
        argv = [*own, *words, "--", *command.argv]
        return self.server.start({"lower": command.lower, "scratch": scratch, "argv": argv}, streams.theirs)


@dataclass(frozen=True, slots=True)
class _Running:
    """``pid``: the first of all processes. ``wait``: its exit code, or minus its signal."""

    pid: int
    wait: Callable[[], int]


class _Streams:
    """Pipes for standard input, output and error: ``theirs``, and what comes out of ours."""

    def __init__(self, stdin: str) -> None:
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        self.theirs = (pipes[0][0], pipes[1][1], pipes[2][1])
        os.write(pipes[0][1], stdin.encode())  # less than a pipe holds
        os.close(pipes[0][1])
        self._ours = {pipes[1][0]: b"", pipes[2][0]: b""}

    def started(self) -> None:
        for fd in self.theirs:
            os.close(fd)

    def read(self, seconds: float | None) -> bool:
        """Until everybody has closed theirs; False when that takes longer than ``seconds``."""
        with selectors.DefaultSelector() as selector:
            for fd in self._ours:
                selector.register(fd, selectors.EVENT_READ)
            deadline = None if seconds is None else time.monotonic() + seconds
            while selector.get_map():
                ready = selector.select(None if deadline is None else max(0.0, deadline - time.monotonic()))
                if not ready:
                    return False
                for key, _ in ready:
                    piece = os.read(key.fd, 1 << 16)
                    self._ours[key.fd] += piece
                    if not piece:
                        selector.unregister(key.fd)
        return True

    def close(self) -> tuple[str, str]:
        """What came out."""
        for fd in self._ours:
            os.close(fd)
        out, err = self._ours.values()
        return _text(out), _text(err)


def command_of(program: Program, *, seconds: float) -> Command:
    """The command that runs a program; after ``seconds`` it hangs."""
    return Command(program.name, lower_folders(program), program.argv, program.user, program.stdin, seconds=seconds)


def _run(command: Command, start: Callable[[Command, str, _Streams], _Running]) -> Outcome:
    scratch = Path(tempfile.mkdtemp(prefix="wirt-c-", dir=_SCRATCH))
    try:
        work = scratch / "upper" / command.cwd.strip("/")
        work.mkdir(parents=True)
        (scratch / "upper").chmod(0o755)
        work.chmod(0o777)
        streams = _Streams(command.stdin)
        try:
            running = start(command, str(scratch), streams)
        finally:
            streams.started()
        in_time = streams.read(command.seconds)
        if not in_time:
            _end_all(running.pid)
            streams.read(None)
        code = running.wait()
        out, err = streams.close()
        status = None if not in_time else 128 - code if code < 0 else code
        return Outcome(status, out, err, tuple(_left_behind(scratch / "upper")))
    finally:
        remove_tree(scratch)


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
