"""Names of guests: one dnsmasq(8) for each network that resolves them, on the bridge's own address only.

It runs on while daemons come and go. Its folder ``<instance>/dns/<network>`` holds ``names`` (hosts(5), read again on
SIGHUP) and ``pid``; a process counts as ours when its command line names that very pid file. The folder is below
``/run`` and not below the instance's own, because dnsmasq reads the names as a user of its own.

One lock, the last to be taken (see the package); it is held while a server starts, some ten milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from wirt.errors import Conflict, RuntimeFailure, Unavailable
from wirt.host.files import write_atomic
from wirt.network.ledger import Segment
from wirt.network.resolv import HOST_FILE, names_file

__all__ = ["NameServers"]

_PATIENCE = 5.0  # seconds for a server to start or to end
_USERS = ("dnsmasq", "nobody")


class NameServers:
    """The name servers of one instance.

    ``folder`` is three below one that everyone can reach. ``host_resolv`` names the servers to ask for other names.
    """

    def __init__(self, folder: Path, host_resolv: Path = HOST_FILE) -> None:
        self._folder = folder
        self._host_resolv = host_resolv
        self._lock = threading.Lock()

    def serve(self, segment: Segment, names: Mapping[str, Iterable[str]]) -> None:
        """Answer ``names``, no others of guests, from now on; started if need be.

        Other names go to the host's resolvers as its resolv.conf names them at any time, but for an internal network,
        where nobody hears of them. ``Unavailable`` without dnsmasq, ``Conflict`` when port 53 is taken.
        """
        folder = self._folder / segment.network_id[:12]
        text = names_file(names).encode()
        with self._lock:
            folder.mkdir(parents=True, exist_ok=True)
            pid_file, names_path = folder / "pid", folder / "names"
            changed = not names_path.exists() or names_path.read_bytes() != text
            if changed:
                write_atomic(names_path, text, sync=False)
                _open_to_everyone(names_path)
            server = _open_server(pid_file)
            if server is None:
                self._start(segment, pid_file, names_path)
                return
            with contextlib.closing(server):
                if changed:
                    server.send(signal.SIGHUP)

    def stop(self, network_id: str) -> None:
        """End a network's server; none is no error."""
        with self._lock:
            _end(self._folder / network_id[:12])

    def sweep(self, network_ids: Collection[str]) -> None:
        """End the servers of all but these networks."""
        kept = {network_id[:12] for network_id in network_ids}
        with self._lock:
            for folder in self._folder.iterdir() if self._folder.exists() else ():
                if folder.name not in kept:
                    _end(folder)

    def _start(self, segment: Segment, pid_file: Path, names_path: Path) -> None:
        pid_file.unlink(missing_ok=True)
        upstream = ["--no-resolv", "--address=/#/"] if segment.internal else [f"--resolv-file={self._host_resolv}"]
        command = [
            "dnsmasq",
            "--conf-file=/dev/null",
            f"--pid-file={pid_file}",
            f"--user={_user()}",
            "--bind-interfaces",
            f"--listen-address={segment.gateway}",
            "--no-hosts",
            f"--addn-hosts={names_path}",
            "--domain-needed",
            *upstream,
        ]
        try:
            # It goes to the background by itself, once it listens: when this returns, it answers.
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_PATIENCE,
                check=False,
                cwd="/",
            )
        except FileNotFoundError as error:
            raise Unavailable(
                "dnsmasq is not installed: networks resolve no names", hint="apt-get install dnsmasq-base"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise RuntimeFailure(f"dnsmasq did not start within {_PATIENCE:.0f} s", hint="see wirt doctor") from error
        if done.returncode:
            _explain(done.stderr.strip() or f"exit status {done.returncode}", segment.gateway)


class _Server:
    """A running dnsmasq, held by a pidfd: whoever gets its number next is never meant."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def close(self) -> None:
        os.close(self._fd)

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    def ended(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))


def _open_to_everyone(names_path: Path) -> None:
    """Whatever the daemon's umask: from the names up to the folder all instances share."""
    names_path.chmod(0o644)
    for folder in names_path.parents[:4]:
        folder.chmod(0o755)


def _open_server(pid_file: Path) -> _Server | None:
    try:
        pid = int(pid_file.read_text())
        fd = os.pidfd_open(pid)
    except (OSError, ValueError):
        return None
    with contextlib.suppress(OSError):
        if os.fsencode(f"--pid-file={pid_file}") in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return _Server(fd)
    os.close(fd)
    return None


def _explain(words: str, gateway: str) -> None:
    if "already in use" in words:
        raise Conflict(
            f"port 53 of {gateway} is taken by a name server that listens on every address",
            hint="let it listen on its own addresses only (dnsmasq: bind-interfaces, unbound: interface)",
        )
    raise RuntimeFailure(f"dnsmasq did not start: {words.splitlines()[-1]}", hint="see wirt doctor")


def _user() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((user for user in _USERS if user in known), "root")


def _end(folder: Path) -> None:
    server = _open_server(folder / "pid")
    if server is not None:
        with contextlib.closing(server):
            server.send(signal.SIGTERM)
            if not server.ended(_PATIENCE):
                server.send(signal.SIGKILL)
                server.ended(_PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)
