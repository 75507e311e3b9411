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
import socket
import termios
from typing import Any

from wirt.sentry.checkpoint.state import CannotSave

__all__ = ["OPTIONS", "Sockets"]

OPTIONS = {
    "reuse": (socket.SOL_SOCKET, socket.SO_REUSEADDR),
    "reuse_port": (socket.SOL_SOCKET, socket.SO_REUSEPORT),
    "keep_alive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "broadcast": (socket.SOL_SOCKET, socket.SO_BROADCAST),
    "pass_credentials": (socket.SOL_SOCKET, socket.SO_PASSCRED),
}
_INET = (socket.AF_INET, socket.AF_INET6)
_TCP_CLOSE = 7
_MARK = b"?"
_MOST = 1 << 20


class Sockets:
    """All sockets of a process. Pairs are found out by what comes out at the other end (``pair``)."""

    def __init__(self) -> None:
        self._unpaired: list[tuple[int, dict[str, Any]]] = []  # descriptor, its entry

    def describe(self, fd: int) -> dict[str, Any]:
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
                return self._unix(sock, entry)
            if sock.family == socket.AF_NETLINK:
                return entry | {"state": "new"}
        raise CannotSave(f"descriptor {fd} is a socket of a family that cannot be saved: {sock.family}")

    def _unix(self, sock: socket.socket, entry: dict[str, Any]) -> dict[str, Any]:
        name = _address(sock.getsockname())
        if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return entry | {"state": "listening", "name": name}
        try:
            sock.getpeername()
        except OSError:
            return entry | {"state": "bound" if name else "new", "name": name}
        entry |= {"state": "pair", "name": name, "pair": sock.fileno(), "waiting": ""}
        self._unpaired.append((sock.fileno(), entry))
        return entry

    def pair(self) -> None:
        """Find who is connected to whom. The entries of two that are get the same number ``pair``."""
        left = dict(self._unpaired)
        while left:
            fd, entry = left.popitem()
            with _borrowed(fd) as sock:
                other = _other_end(sock, list(left))
            if other < 0:
                entry["state"] = "reset"
                continue
            left[other]["pair"] = entry["pair"]
            for each, end in ((entry, fd), (left.pop(other), other)):
                with _borrowed(end) as sock:
                    each["waiting"] = base64.b64encode(_peeked(sock)).decode("ascii")


def _inet(sock: socket.socket) -> dict[str, Any]:
    name = _address(sock.getsockname())
    only6 = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) if sock.family == socket.AF_INET6 else 0
    found: dict[str, Any] = {"name": name, "only6": only6, "state": "bound" if name and name[1] else "new"}
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found["state"] = "listening"
    elif sock.type == socket.SOCK_STREAM:
        found["no_delay"] = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _TCP_CLOSE:
            found["state"] = "reset"
    else:
        with contextlib.suppress(OSError):
            found["peer"] = _address(sock.getpeername())
    return found


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


# -- pairs -----------------------------------------------------------------------------------------


def _other_end(sock: socket.socket, others: list[int]) -> int:
    """Who of ``others`` receives what ``sock`` sends; -1: none of them."""
    before = {fd: _readable(fd) for fd in others}
    try:
        sock.send(_MARK, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    except BlockingIOError:
        raise CannotSave(f"descriptor {sock.fileno()} is a full socket") from None
    except OSError:
        return -1  # nobody is there any more
    for fd, size in before.items():
        if _readable(fd) != size:
            _take_back(sock, fd, size)
            return fd
    raise CannotSave(f"descriptor {sock.fileno()} is connected to another process")


def _take_back(sock: socket.socket, fd: int, before: int) -> None:
    """The mark was received behind ``before`` bytes: leave those alone."""
    with _borrowed(fd) as end:
        if sock.type != socket.SOCK_STREAM and before:
            raise CannotSave(f"descriptor {fd} is a socket of messages, with some that were not read yet")
        received = end.recv(before + 1, socket.MSG_DONTWAIT)
    if before:
        sock.send(received[:-1], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _peeked(sock: socket.socket) -> bytes:
    size = _readable(sock.fileno())
    if size > _MOST:
        raise CannotSave(f"descriptor {sock.fileno()} is a socket with {size} bytes that were not read yet")
    return sock.recv(size, socket.MSG_PEEK | socket.MSG_DONTWAIT) if size else b""


def _readable(fd: int) -> int:
    size = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, size)
    return size[0]
