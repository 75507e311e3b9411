"""Sockets as plain data.

What a clone cannot have is a connection to somebody who does not know of it: such sockets come back as connections that
were reset, which is what a program sees of a machine that it loses touch with.
"""

from __future__ import annotations

import array
import base64
import contextlib
import fcntl
import os
import select
import socket
import termios
from typing import Any

from wirt.sentry.checkpoint.state import CannotSave

__all__ = ["OPTIONS", "describe_socket"]

OPTIONS = {
    "reuse": (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    "reuse_port": (socket.SOL_SOCKET, socket.SO_REUSEPORT),
    "keep_alive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "broadcast": (socket.SOL_SOCKET, socket.SO_BROADCAST),
    "pass_credentials": (socket.SOL_SOCKET, socket.SO_PASSCRED),
}
_INET = (socket.AF_INET, socket.AF_INET6)
_TCP_CLOSE = 7
_MOST = 1 << 20


def describe_socket(fd: int, inode: int) -> dict[str, Any]:
    """``CannotSave`` for one that cannot be made again. Who is at the other end of a pair is seen from outside."""
    with _borrowed(fd) as sock:
        entry = {
            "kind": "socket",
            "family": int(sock.family),
            "type": int(sock.type),
            "protocol": sock.proto,
            "options": {name: _option(sock, key) for name, key in OPTIONS.items()},
            "timeouts": [_timeout(sock, name) for name in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO)],
        }
        if sock.family in _INET:
            return entry | _inet(sock)
        if sock.family == socket.AF_UNIX:
            return entry | _unix(sock, inode)
        if sock.family == socket.AF_NETLINK:
            return entry | {"state": "new"}
    raise CannotSave(f"descriptor {fd} is a socket of a family that cannot be saved: {sock.family}")


def _unix(sock: socket.socket, inode: int) -> dict[str, Any]:
    name = _address(sock.getsockname())
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return {"state": "listening", "name": name}
    try:
        sock.getpeername()
    except OSError:
        return {"state": "bound" if name else "new", "name": name}
    waiting = [base64.b64encode(message).decode("ascii") for message in _waiting(sock)]
    return {"state": "pair", "name": name, "inode": inode, "waiting": waiting}


def _inet(sock: socket.socket) -> dict[str, Any]:
    name = _address(sock.getsockname())
    only6 = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) if sock.family == socket.AF_INET6 else 0
    found: dict[str, Any] = {"name": name, "only6": only6, "state": "bound" if name and name[1] else "new"}
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found["state"] = "listening"
    elif sock.type == socket.SOCK_STREAM:
        found["no_delay"] = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _TCP_CLOSE or _is_over(sock):
            found["state"] = "reset"
    else:
        with contextlib.suppress(OSError):
            found["peer"] = _address(sock.getpeername())
    return found


def _is_over(sock: socket.socket) -> bool:
    """Whether it was connected once; it says so to whoever asks what to read, and does not forget its error."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return any(events & select.POLLRDHUP for _, events in poll.poll(0))


def _address(name: Any) -> Any:
    """An address as JSON has it; names of AF_UNIX as latin-1."""
    if isinstance(name, bytes):
        return name.decode("latin-1")
    return list(name) if isinstance(name, tuple) else os.fsencode(name).decode("latin-1")


def _option(sock: socket.socket, key: tuple[int, int]) -> int:
    """0 for what the family has not."""
    try:
        return sock.getsockopt(*key)
    except OSError:
        return 0


def _timeout(sock: socket.socket, name: int) -> str:
    return sock.getsockopt(socket.SOL_SOCKET, name, 16).hex()


class _borrowed:  # noqa: N801 - reads like a function
    """A socket object over a descriptor that stays open."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)

    def __enter__(self) -> socket.socket:
        return self._socket

    def __exit__(self, *_: object) -> None:
        self._socket.detach()


def _waiting(sock: socket.socket) -> list[bytes]:
    """What was not read yet: a look shows the first message only."""
    size = array.array("i", [0])
    fcntl.ioctl(sock.fileno(), termios.FIONREAD, size)
    if not size[0]:
        return []
    if size[0] > _MOST:
        raise CannotSave(f"descriptor {sock.fileno()} is a socket with {size[0]} bytes that were not read yet")
    found = sock.recv(_MOST, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    if sock.type == socket.SOCK_DGRAM or len(found) < size[0]:
        raise CannotSave(f"descriptor {sock.fileno()} is a socket with messages that were not read yet")
    return [found]
