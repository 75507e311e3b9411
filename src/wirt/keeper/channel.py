"""The control channel: JSON messages with descriptors over a unix seqpacket socket.

A message is one packet, at most ``MAX_MESSAGE`` bytes, so there is no framing and no partial message. Both ends are
ours and root's alone.
"""

from __future__ import annotations

import array
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

__all__ = ["MAX_MESSAGE", "Closed", "connect", "listen", "pair", "receive", "send"]

MAX_MESSAGE = 192 << 10  # below the default net.core.wmem_max of 208 KiB
_MAX_FDS = 4


class Closed(Exception):  # noqa: N818 - a state, not a fault
    """The other end is gone."""


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)


def listen(path: str) -> socket.socket:
    """A listening socket at ``path``, for root alone."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    sock.bind(path)
    os.chmod(path, 0o600)
    sock.listen(4)
    return sock


def connect(path: str) -> socket.socket:
    """A connection to the keeper that listens at ``path``; ``OSError`` when none does."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    try:
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


def send(sock: socket.socket, message: dict[str, Any], fds: Sequence[int] = ()) -> None:
    """Send one message; ``Closed`` when nobody can receive it any more."""
    packet = json.dumps(message, separators=(",", ":")).encode()
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        sock.sendmsg([packet], ancillary)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """One message and its descriptors (close-on-exec, now ours); ``Closed`` at the end."""
    try:
        packet, ancillary, flags, _ = sock.recvmsg(
            MAX_MESSAGE, socket.CMSG_SPACE(_MAX_FDS * 4), socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError as error:
        raise Closed from error
    fds: list[int] = []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received = array.array("i")
            received.frombytes(data[: len(data) - len(data) % received.itemsize])
            fds.extend(received)
    if not packet or flags & socket.MSG_TRUNC:
        for fd in fds:
            os.close(fd)
        raise Closed
    return json.loads(packet), fds
