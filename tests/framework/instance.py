"""A daemon with folders of its own, driven through the real command line."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Done", "Instance"]

PROGRAM = Path(sys.executable).with_name("wirt")
IMAGE = "busybox"


@dataclass(frozen=True, slots=True)
class Done:
    """A command that ended: exit code and what it wrote, as text."""

    code: int
    out: str
    err: str


class Instance:
    """One wirt host among many on this machine. Its daemon starts with the first command, as everywhere."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        """``folder`` must be short: it will hold unix sockets, whose paths end at 107 bytes (unix(7))."""
        self.folder = folder
        self.state, self.run = folder / "s", folder / "r"
        self.env = {
            **os.environ,
            "WIRT_STATE": str(self.state),
            "WIRT_RUN": str(self.run),
            "WIRT_CONFIG": str(folder / "config.toml"),
            **(environment or {}),
        }
        folder.mkdir()

    def wirt(self, *words: str, text: str = "", timeout: float = 60.0) -> Done:
        """Runs ``wirt WORDS`` with ``text`` as its input, to its end."""
        done = subprocess.run(
            [PROGRAM, *words], env=self.env, input=text, capture_output=True, text=True, timeout=timeout, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, text: str = "", timeout: float = 60.0) -> str:
        """The output of a command that must succeed, without its last newline."""
        done = self.wirt(*words, text=text, timeout=timeout)
        assert done.code == 0, f"wirt {' '.join(words)}: exit code {done.code}: {done.err}"
        return done.out.rstrip("\n")

    def open(self, *words: str) -> subprocess.Popen[str]:
        """Starts ``wirt WORDS`` with pipes on its three streams; the caller ends it."""
        pipe = subprocess.PIPE
        return subprocess.Popen([PROGRAM, *words], env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    @property
    def socket(self) -> Path:
        return self.run / "wirt.sock"

    def daemon_pid(self) -> int:
        """The process that listens on the socket (SO_PEERCRED, unix(7)); 0 if none does."""
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return 0
            size = struct.calcsize("3i")
            pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
            return int(pid)

    def end_daemon(self, number: int = signal.SIGTERM, *, patience: float = 20.0) -> None:
        """Sends the daemon a signal and returns when it has ended."""
        pid = self.daemon_pid()
        if not pid:
            return
        watched = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(watched, number)
            ended, _, _ = select.select([watched], [], [], patience)
        finally:
            os.close(watched)
        assert ended, f"the daemon {pid} still runs {patience:.0f} seconds after signal {number}"

    def close(self) -> None:
        """Removes everything through the front door, then ends the daemon, which takes away what it has on the host."""
        if not self.state.exists():
            return
        try:
            if guests := self.ok("ps", "-aq").split():
                self.ok("rm", "-f", "-v", *guests)
            self.ok("network", "prune", "-f")
        finally:
            self.end_daemon()
