"""Who has a port: from the socket tables in /proc (proc_pid_net(5)) to the process that holds the socket; buffers."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

__all__ = ["port_holder", "set_send_buffer"]

_SO_SNDBUFFORCE = 32  # <asm-generic/socket.h>


def set_send_buffer(sock: socket.socket, size: int) -> None:
    """How many bytes may wait in ``sock``, beyond the limit for others if we may (CAP_NET_ADMIN)."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, size)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


def port_holder(protocol: str, port: int) -> str:
    """``nginx (pid 123)`` for a tcp or udp port in use in this network namespace; "" when it cannot be told.

    Looks through every process's descriptors: tens of milliseconds, for error messages only.
    """
    inodes = {f"socket:[{inode}]" for inode in _inodes(protocol, port)}
    for pid in filter(str.isdigit, os.listdir("/proc")) if inodes else ():
        with contextlib.suppress(OSError):
            if any(_link(f"/proc/{pid}/fd/{fd}") in inodes for fd in os.listdir(f"/proc/{pid}/fd")):
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                    return f"{file.read().strip()} (pid {pid})"
    return ""


def _inodes(protocol: str, port: int) -> Iterator[str]:
    for table in (protocol, f"{protocol}6"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/thread-self/net/{table}", encoding="ascii") as lines:
            next(lines, None)
            for line in lines:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port and fields[9] != "0":
                    yield fields[9]


def _link(path: str) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(path)
    return ""
