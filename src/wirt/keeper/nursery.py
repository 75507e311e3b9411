"""Guests whose monitor is the keeper itself, forked: no program is executed, no interpreter starts.

The first child is the first process of the guest's pid namespace; further ones (execs) are its siblings there, and all
of them the keeper's own children. Once the first has ended, the kernel lets nobody be born into the namespace (ENOMEM).
"""

from __future__ import annotations

import gc
import os
import socket

from wirt.abi.linux.sched import CLONE_NEWPID
from wirt.host.namespaces import setns, unshare
from wirt.micro.files import new_records

__all__ = ["Nursery"]

# What a child must not let go of: closing the keeper's objects would close descriptors that are the guest's by then.
_abandoned: list[object] = []


class Nursery:
    """``pid_ns``: "" a new pid namespace, or the file of one to be born into."""

    def __init__(self, pid_ns: str) -> None:
        if pid_ns:
            fd = os.open(pid_ns, os.O_RDONLY | os.O_CLOEXEC)
            try:
                setns(fd, CLONE_NEWPID)
            finally:
                os.close(fd)
        else:
            unshare(CLONE_NEWPID)
        self._records = new_records()

    def fork(self, config: str, stdio: tuple[int, int, int], keeper: object) -> tuple[int, socket.socket]:
        """A child that does what the file ``config`` says: its pid, and our end of its report (``micro.report``).

        ``keeper``: whatever holds all of ours that is open.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        pid = os.fork()
        if pid == 0:
            _abandoned.extend((self, keeper, ours))
            gc.freeze()
            _become_monitor(config, theirs.detach(), self._records, stdio)
        theirs.close()
        ours.setblocking(False)
        return pid, ours


def _become_monitor(config: str, report: int, records: int, stdio: tuple[int, int, int]) -> None:
    try:
        from wirt.micro import guest, monitor

        monitor.main(config, report, records, stdio, guest.open_monitor)
    finally:
        os._exit(125)
