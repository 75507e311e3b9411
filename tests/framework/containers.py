"""Containers for tests: a root file system of busybox, a real OCI runtime, and a warden in the keeper's place."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework import warden
from wirt.container.container import ContainerRuntime
from wirt.host import cgroup
from wirt.model.guest import ExecSpec, Guest, GuestSpec
from wirt.model.launch import Console, Launch, Plan

__all__ = ["PATIENCE", "ContainerHost", "Program"]

PATIENCE = 30.0  # seconds until what must happen has happened


class Program:
    """What a plan started: a guest, or one exec in it."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._console = _listen(plan.console_socket) if plan.console is Console.SOCKET else None
        self.terminal = -1
        report, far = os.pipe()
        self._report = os.fdopen(report, "rb")
        command = [sys.executable, warden.__file__, str(far), *plan.argv]
        environment = {**os.environ, "WARDEN_PID_FILE": plan.pid_file}
        pipe = subprocess.DEVNULL if self._console else subprocess.PIPE
        self._warden = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, pass_fds=(far,))
        os.close(far)
        first = self._line()
        self.failed = not first.startswith("launched")
        self.pid = 0 if self.failed else int(Path(plan.pid_file).read_text(encoding="ascii"))
        if self._console:
            if not self.failed:
                self._accept_terminal()
            self._console.close()
            Path(plan.console_socket).unlink()

    @property
    def complaint(self) -> str:
        log = Path(self.plan.error_log)
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def wait(self) -> int:
        """The exit status: a code, or 128 + the signal."""
        assert not self.failed, self.complaint
        word, status = self._line().split()
        assert word == "ended"
        return int(status)

    def output(self, text: bytes = b"") -> tuple[str, str]:
        """All it wrote until its end, given ``text`` to read: standard output and error."""
        out, err = self._warden.communicate(text, timeout=PATIENCE)
        return out.decode(), err.decode()

    def read_until(self, wanted: str) -> str:
        """What came on standard output, or the terminal, up to and with ``wanted``."""
        fd = self.terminal if self.terminal >= 0 else self._stdout()
        seen = b""
        deadline = time.monotonic() + PATIENCE
        while wanted.encode() not in seen:
            ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(fd, 4096) if ready else b""
            assert data, f"{wanted!r} did not come, but {seen!r}"
            seen += data
        return seen.decode()

    def write(self, text: str) -> None:
        stdin = self._warden.stdin
        os.write(self.terminal if stdin is None else stdin.fileno(), text.encode())

    def close(self) -> None:
        if self.terminal >= 0:
            os.close(self.terminal)
        self._report.close()
        with self._warden as warden_process:
            for stream in (warden_process.stdin, warden_process.stdout, warden_process.stderr):
                if stream:
                    stream.close()
            warden_process.wait(PATIENCE)

    def _stdout(self) -> int:
        assert self._warden.stdout is not None
        return self._warden.stdout.fileno()

    def _line(self) -> str:
        ready, _, _ = select.select([self._report], [], [], PATIENCE)
        assert ready, f"nothing happened in {PATIENCE} seconds"
        return self._report.readline().decode()

    def _accept_terminal(self) -> None:
        assert self._console is not None
        connection, _ = self._console.accept()
        with connection:
            _, [self.terminal], _, _ = socket.recv_fds(connection, 4096, 1)


class ContainerHost:
    """A runtime with folders and cgroups of its own below ``folder``; ``name``: crun or runc."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.folder = folder
        self.parent = f"/wirt-test-{secrets.token_hex(4)}"
        self.runtime = ContainerRuntime(folder / "state", folder / "run", order=(name,), cgroup_parent=self.parent)
        self.rootfs = folder / "rootfs"
        _install_busybox(self.rootfs)

    def close(self) -> list[str]:
        """End everything; what was left of guests that tests should have deleted."""
        left = self.runtime.recover([])
        self.runtime.close()
        return left

    def launch(self, *argv: str, launch: dict[str, Any] | None = None, **members: Any) -> Launch:
        """``members``: of the guest (env, user, workdir) or of its specification; ``launch``: of the launch."""
        guest_id = secrets.token_hex(32)
        own = {name: members.pop(name) for name in ("env", "user", "workdir", "hostname") if name in members}
        guest = Guest(
            id=guest_id,
            name=f"guest-{guest_id[:6]}",
            spec=GuestSpec(image="busybox", **{"network": "none", **members}),
            image_id="sha256:0",
            created=time.time(),
            argv=argv,
            **{"hostname": guest_id[:12], **own},
        )
        return Launch(guest, str(self.rootfs), str(self.folder / "guests" / guest_id / "bundle"), **(launch or {}))

    @contextmanager
    def started(self, *argv: str, **members: Any) -> Iterator[tuple[Guest, Program]]:
        """A running guest; whatever becomes of it, nothing of it is left afterwards."""
        launch = self.launch(*argv, **members)
        program = Program(self.runtime.prepare(launch))
        try:
            yield replace(launch.guest, pid=program.pid), program
        finally:
            self.runtime.delete(launch.guest.id, force=True)
            program.close()
            shutil.rmtree(Path(launch.bundle).parent)

    def run(self, *argv: str, text: str = "", **members: Any) -> tuple[int, str, str]:
        """Run a guest to its end: exit status, standard output, standard error."""
        with self.started(*argv, **members) as (_, program):
            assert not program.failed, program.complaint
            out, err = program.output(text.encode())
            return program.wait(), out, err

    def ok(self, *argv: str, **members: Any) -> str:
        """The output of a guest that must end well."""
        status, out, err = self.run(*argv, **members)
        assert status == 0, f"{argv} ended with {status}: {out}{err}"
        return out.strip()

    @contextmanager
    def executed(self, guest: Guest, spec: ExecSpec) -> Iterator[Program]:
        exec_id = secrets.token_hex(32)
        folder = self.folder / "x" / exec_id[:12]
        program = Program(self.runtime.prepare_exec(guest, guest.pid, spec, exec_id, folder))
        try:
            yield program
        finally:
            program.close()
            shutil.rmtree(folder)

    def execute(self, guest: Guest, *command: str, text: str = "", **members: Any) -> tuple[int, str, str]:
        """Run a program in a guest to its end: exit status, standard output, standard error."""
        with self.executed(guest, ExecSpec(command=command, **members)) as program:
            assert not program.failed, program.complaint
            out, err = program.output(text.encode())
            return program.wait(), out, err

    def traces(self, guest_id: str) -> list[str]:
        """Where a guest can still be seen: folders of cgroups and of the runtime."""
        folders = [Path(folder) for folder in cgroup.host_layout().folders(f"{self.parent}/{guest_id}")]
        folders += [root / guest_id for root in (self.folder / "run" / "runtime").glob("*")]
        return [str(folder) for folder in folders if folder.exists()]


def _listen(path: str) -> socket.socket:
    console = socket.socket(socket.AF_UNIX)
    console.bind(path)
    console.listen(1)
    console.settimeout(PATIENCE)
    return console


def _install_busybox(root: Path) -> None:
    for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "home"):
        (root / name).mkdir(parents=True)
    source = shutil.which("busybox")
    assert source, "busybox is missing (Debian: busybox-static)"
    shutil.copy(source, root / "bin" / "busybox")
    applets = subprocess.run([source, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in set(applets) - {"busybox"}:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1001::/home/bob:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\nbob:x:1001:\naudio:x:29:bob\n")
