"""Starts the daemon for the first command that finds none: detached, once, however many commands ask together.

The daemon gets one end of a pipe (``--ready-fd``) and writes a line to it: ``ready`` once it listens, anything else
is why it cannot, with a hint behind a tab. What it says later goes to ``daemon.log`` in the state folder.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys

from wirt.errors import Unavailable
from wirt.host import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wirt.client.address import Address

__all__ = ["start_daemon"]

_PATIENCE = 60.0  # seconds; a daemon that adopts many guests after a crash takes some


def start_daemon(address: Address) -> None:
    """Returns once somebody listens at ``address``; ``Unavailable`` where the daemon does not come up."""
    run, state = os.path.dirname(address.path), folders.state_folder()
    try:
        os.makedirs(run, mode=0o755, exist_ok=True)
        os.makedirs(state, mode=0o711, exist_ok=True)
        lock = os.open(f"{run}/start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"the daemon cannot be started: {error.filename}: {error.strerror}",
            hint="run the command as root, or start the daemon as root: wirt daemon",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _listens(address):  # somebody was faster while we waited for the lock
            _start(f"{state}/daemon.log")
    finally:
        os.close(lock)


def _listens(address: Address) -> bool:
    try:
        address.connect().close()
    except OSError:
        return False
    return True


def _start(log: str) -> None:
    ready, theirs = os.pipe()
    try:
        os.set_inheritable(theirs, True)
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-m", "wirt", "daemon", "--ready-fd", str(theirs)],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        os.close(theirs)
        theirs = -1
        word = _read_line(ready)
    finally:
        os.close(ready)
        if theirs >= 0:
            os.close(theirs)
    if word != "ready":
        _explain(pid, word, log)


def _read_line(fd: int) -> str:
    """One line from the daemon; "" where it ended without one."""
    line = b""
    waiter = select.poll()
    waiter.register(fd, select.POLLIN)
    while not line.endswith(b"\n"):
        if not waiter.poll(_PATIENCE * 1000):
            raise Unavailable(f"the daemon is not ready after {_PATIENCE:.0f} seconds", hint="read its daemon.log")
        piece = os.read(fd, 4096)
        if not piece:
            break
        line += piece
    return line.decode(errors="replace").strip()


def _explain(pid: int, word: str, log: str) -> None:
    if not word:
        _, status = os.waitpid(pid, 0)
        word = f"it ended with status {os.waitstatus_to_exitcode(status)}{_last_line(log)}"
    reason, _, hint = word.partition("\t")
    raise Unavailable(f"the daemon cannot be started: {reason}", hint=hint or f"read the end of {log}")


def _last_line(log: str) -> str:
    """What was written last, as the end of a sentence; "" where nothing was."""
    with open(log, "rb") as file:
        lines = file.read()[-4096:].decode(errors="replace").split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f" ({words[:200]})" if words else ""
