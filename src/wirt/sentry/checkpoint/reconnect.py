"""Sockets made again from what ``sockets`` wrote. What was connected to somebody outside is a connection that broke."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import Any

from wirt.sentry.checkpoint.sockets import OPTIONS

__all__ = ["pair_of", "socket_of"]

_INET = (socket.AF_INET, socket.AF_INET6)
_BACKLOG = 4096  # no more than net.core.somaxconn counts
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once, with a reset

Entry = dict[str, Any]


def pair_of(entry: Entry) -> tuple[int, int]:
    """Both ends of a socketpair(2)."""
    one, other = socket.socketpair(entry["family"], entry["type"])
    for end in (one, other):
        _set_options(end, entry)
    return one.detach(), other.detach()


def socket_of(entry: Entry) -> int:
    """OSError when its address cannot be had here."""
    sock = socket.socket(entry["family"], entry["type"], entry["protocol"])
    try:
        _set_options(sock, entry)
        _bring_to(sock, entry)
    except BaseException:
        sock.close()
        raise
    return sock.detach()


def _set_options(sock: socket.socket, entry: Entry) -> None:
    for name, key in OPTIONS.items():
        if entry["options"][name]:
            sock.setsockopt(*key, entry["options"][name])
    for which, value in zip((socket.SO_RCVTIMEO, socket.SO_SNDTIMEO), entry["timeouts"], strict=True):
        sock.setsockopt(socket.SOL_SOCKET, which, bytes.fromhex(value))
    if entry.get("only6"):
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if entry.get("no_delay"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _bring_to(sock: socket.socket, entry: Entry) -> None:
    state = entry["state"]
    if state == "reset":
        _break(sock)
        return
    name = _name(entry, entry.get("name"))
    if name and state in ("bound", "listening"):
        if entry["family"] == socket.AF_UNIX and not name.startswith(b"\0"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # the copy of what the socket had been bound to
        _bind(sock, name)
    if state == "listening":
        sock.listen(_BACKLOG)
    if (peer := _name(entry, entry.get("peer"))) and entry["type"] == socket.SOCK_DGRAM:
        with contextlib.suppress(OSError):  # no way there from this network
            sock.connect(peer)


def _name(entry: Entry, name: Any) -> Any:
    if not name:
        return None
    return name.encode("latin-1") if entry["family"] == socket.AF_UNIX else tuple(name)


def _bind(sock: socket.socket, name: Any) -> None:
    """An address that is not ours any more, as the network is another: then any, at the same port."""
    try:
        sock.bind(name)
    except OSError:
        if sock.family not in _INET:
            raise
        everywhere = "" if sock.family == socket.AF_INET else "::"
        sock.bind((everywhere, *name[1:]))


def _break(sock: socket.socket) -> None:
    """The next call on it says ECONNRESET, later ones that it is at its end."""
    if sock.family == socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        if sock.type in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            one, other = socket.socketpair(sock.family, sock.type)
            os.dup2(one.fileno(), sock.fileno(), inheritable=False)
            one.close()
            other.close()
        return
    local = "127.0.0.1" if sock.family == socket.AF_INET else "::1"
    with socket.socket(sock.family, sock.type) as listener:
        listener.bind((local, 0))
        listener.listen(1)
        sock.connect(listener.getsockname())
        far, _ = listener.accept()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        far.close()
