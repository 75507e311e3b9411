"""Guests whose monitor is the keeper itself, forked: no program is executed, no interpreter starts.

The first child is the first process of the guest's pid namespace; further ones (execs) are its siblings there, and all
of them the keeper's own children. Once the first has ended, the kernel lets nobody be born into the namespace (ENOMEM).

A keeper that has nothing to do yet forks its first child in advance (``prefork``): it waits for its orders.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket

from wirt.abi.linux.mman import MAP_ANONYMOUS, MAP_SHARED, PROT_READ, PROT_WRITE
from wirt.abi.linux.sched import CLONE_NEWPID
from wirt.abi.linux.unistd import SYS_mmap
from wirt.host import _native
from wirt.host.namespaces import setns, unshare
from wirt.micro.files import new_records
from wirt.micro.report import send_order
from wirt.sentry.orders import Post

__all__ = ["Nursery", "control_sockets", "shared_page"]

_PAGE = 4096

# What a child must not let go of: closing the keeper's objects would close descriptors that are the guest's by then.
_abandoned: list[object] = []


class Nursery:
    """Where a keeper's children are born. ``post``: where they hear of orders, by our own numbers.

    ``control``: our end of its socket, non-blocking.
    """

    def __init__(self) -> None:
        self._records = new_records()
        self.control, self._theirs = control_sockets()
        self.post = Post(self._theirs.fileno(), shared_page())
        self._ready: tuple[int, socket.socket] | None = None  # a child that waits for its orders
        self._entered = False

    def prefork(self, platform: str) -> None:
        """The first child of a guest to come, which will run on ``platform``."""
        self._enter("")
        self._ready = self._fork(platform, None)

    def fork(self, config: str, stdio: tuple[int, int, int], pid_ns: str, keeper: object) -> tuple[int, socket.socket]:
        """A child that does what the file ``config`` says: its pid, and our end of its report (``micro.report``).

        ``pid_ns`` counts for the first one: "" a pid namespace of its own, or the file of one. ``keeper``: whatever
        holds all of ours that is open.
        """
        ready, self._ready = self._ready, None
        if ready is not None and not pid_ns:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                return self._send_off(ready, config, stdio)
        if ready is not None:
            self._give_up(ready)
        if not self._entered:
            self._enter(pid_ns)
        return self._send_off(self._fork("", keeper), config, stdio)

    def _enter(self, pid_ns: str) -> None:
        """Where children are born from now on; unshare(2) works from our own namespace only."""
        for path in ("/proc/self/ns/pid", pid_ns) if pid_ns else ("/proc/self/ns/pid",):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                setns(fd, CLONE_NEWPID)
            finally:
                os.close(fd)
        if not pid_ns:
            unshare(CLONE_NEWPID)
        self._entered = True

    def _fork(self, platform: str, keeper: object) -> tuple[int, socket.socket]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            _abandoned.extend((self, keeper, ours))
            gc.freeze()
            _become_monitor(theirs.detach(), self._records, platform, self.post)
        theirs.close()
        return pid, ours

    def _send_off(
        self, child: tuple[int, socket.socket], config: str, stdio: tuple[int, int, int]
    ) -> tuple[int, socket.socket]:
        pid, report = child
        send_order(report, config, stdio)
        report.setblocking(False)
        return pid, report

    def _give_up(self, child: tuple[int, socket.socket]) -> None:
        """It was born where the guest shall not be, or is dead."""
        pid, report = child
        report.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._entered = False


def control_sockets() -> tuple[socket.socket, socket.socket]:
    """Ours says of each packet which process sent it, by our own pid namespace's numbers (SCM_CREDENTIALS)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.setblocking(False)
    return ours, theirs


def shared_page() -> int:
    """The address of a page of zeros that our children share with us, at the same place."""
    where = _native.call(SYS_mmap, 0, _PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    if where < 0:
        raise OSError(-where, f"mmap: {os.strerror(-where)}")
    return where


def _become_monitor(report: int, records: int, platform: str, post: Post) -> None:
    try:
        from wirt.micro import guest, monitor

        monitor.main(report, records, guest.open_monitor, platform, post)
    finally:
        os._exit(125)
