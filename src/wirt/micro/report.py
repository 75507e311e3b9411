"""What a keeper's child tells its keeper while it becomes a guest: short packets over a unix socket, until it is one.

The keeper's first packet is the order: the path of a configuration, the three standard streams beside it. Then a packet
is a letter, and what belongs to it. From the child: ``U`` "I am in a new user namespace, map it", ``M`` with
the master of the pty beside it, ``S`` "the program is loaded", ``E`` with a text "it cannot be". The answer to ``U`` is
``U``. Of the guest's first process a last packet may come: ``X`` with a number, "it ends with this code, alone". The
host takes milliseconds to clear such a process away before wait(2) tells.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable

__all__ = [
    "ENDED",
    "FAILED",
    "MAP_USERS",
    "MASTER",
    "STARTED",
    "Refused",
    "Report",
    "ended_with",
    "map_users",
    "receive",
    "send_order",
]

MAP_USERS, MASTER, STARTED, FAILED, ENDED = b"U", b"M", b"S", b"E", b"X"

_MOST = 16 << 10  # bytes of a packet
_EVERYBODY = b"0 0 4294967295\n"  # ids are the host's own, all but -1, which is nobody's


class Refused(Exception):  # noqa: N818 - becomes a packet
    """The guest's program cannot be started. ``code``: Docker's 125, 126 or 127."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Report:
    """The child's end. After ``failed`` or ``ended``, or when the last process that has it is gone, it is closed."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)

    def order(self) -> tuple[str, list[int]]:
        """Wait for the path of the configuration and the standard streams; ``EOFError`` when the keeper is gone."""
        path, fds, _, _ = socket.recv_fds(self._socket, _MOST, 3, socket.MSG_CMSG_CLOEXEC)
        if len(fds) != 3:
            raise EOFError("the keeper is gone")
        return os.fsdecode(path), fds

    def map_users(self) -> None:
        """Wait until the keeper has mapped our new user namespace; ``OSError`` when it could not."""
        self._socket.send(MAP_USERS)
        if self._socket.recv(_MOST) != MAP_USERS:
            raise OSError("the users of the new namespace could not be mapped")

    def master(self, fd: int) -> None:
        socket.send_fds(self._socket, [MASTER], [fd])

    def started(self) -> None:
        self._socket.send(STARTED)

    def ended(self, code: int) -> None:
        """The process ends with ``code``, the next moment, and leaves nobody behind."""
        with contextlib.suppress(OSError):  # the keeper is gone
            self._socket.send(ENDED + str(code).encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def failed(self, refused: Refused) -> None:
        self._socket.send(FAILED + f"{refused.code} {refused.text}".encode("utf-8", "replace")[: _MOST - 1])
        self.close()

    def close(self) -> None:
        self._socket.close()


def send_order(sock: socket.socket, path: str, stdio: tuple[int, int, int]) -> None:
    """The keeper's end of ``Report.order``. ``BrokenPipeError`` when there is no child any more."""
    socket.send_fds(sock, [os.fsencode(path)], stdio)


def receive(sock: socket.socket) -> tuple[bytes, bytes, int]:
    """The keeper's end: a packet's letter, what follows it, a descriptor or -1. All empty: the child is gone.

    ``BlockingIOError`` when there is none yet.
    """
    try:
        packet, fds, _, _ = socket.recv_fds(sock, _MOST, 1, socket.MSG_CMSG_CLOEXEC)
    except ConnectionResetError:
        return b"", b"", -1
    return packet[:1], packet[1:], fds[0] if fds else -1


def ended_with(text: bytes) -> int:
    """The code in a packet ``ENDED``; -1 for what is none."""
    return int(text) if text.isdigit() and len(text) <= 3 and int(text) <= 255 else -1


def map_users(pid: int, answer: Callable[[bytes], object]) -> None:
    """In the keeper: give the child's user namespace every id there is, as itself (user_namespaces(7))."""
    try:
        for name in ("uid_map", "gid_map"):
            fd = os.open(f"/proc/{pid}/{name}", os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.write(fd, _EVERYBODY)
            finally:
                os.close(fd)
    except OSError:
        answer(FAILED)
        return
    answer(MAP_USERS)
