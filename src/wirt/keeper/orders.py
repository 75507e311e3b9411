"""The keeper's side of orders: they are kept while they are open, given to each process that asks, and answered.

How a process comes to ask is told in ``wirt.sentry.orders``. Everything that comes from there is a guest's, and what
has taken a guest's monitor over may send anything: a packet that is not as it should be is dropped, with what came
along; the sender is who the kernel says it is; a process has one channel an order; channels, packets and their sizes
are bounded; nothing is waited for.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import resource
import selectors
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wirt.host import _native
from wirt.sentry.orders import MOST_FDS, MOST_HELLO, MOST_ORDER, MOST_REPLY

__all__ = ["OrderDesk"]

_UCRED = struct.Struct("iII")  # unix(7): pid, uid, gid
_SPACE = socket.CMSG_SPACE(_UCRED.size) + socket.CMSG_SPACE(4 * MOST_FDS)
_AT_ONCE = 64  # packets, before others have their turn
_MOST_HELLOS = 1 << 16  # of one open order
_MOST_REPLIES = 8  # of one process to one order
_MOST_CHANNELS = 4096


@dataclass(slots=True, eq=False)
class _Order:
    id: str
    packet: bytes
    fds: list[int]
    channels: dict[int, socket.socket] = field(default_factory=dict)  # by process
    hellos: int = 0


class OrderDesk:
    """Belongs to the keeper's loop. ``control``: our end of the socket on which processes introduce themselves.

    ``page``: the address of the page that they look at. ``tell``: sends an event to the daemon. The limit of open
    files is raised: each process that answers takes a descriptor.
    """

    def __init__(
        self, selector: selectors.BaseSelector, control: socket.socket, page: int, tell: Callable[..., None]
    ) -> None:
        self._selector = selector
        self._control = control
        self._page = page
        self._tell = tell
        self._newest = 0
        self._orders: dict[int, _Order] = {}
        self._watched = False
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._most_channels = min(_MOST_CHANNELS, hard // 2)

    # -- what the daemon wants ---------------------------------------------------------------------

    def open(self, order_id: str, name: str, arguments: dict[str, Any], fds: list[int]) -> None:
        """From now on each process that looks will ask for it. ``fds`` are ours until it is revoked."""
        self._newest += 1
        message = {"number": self._newest, "name": name, "arguments": arguments}
        packet = json.dumps(message, separators=(",", ":")).encode()
        self._orders[self._newest] = _Order(order_id, packet, fds)
        if len(packet) > MOST_ORDER or len(fds) > MOST_FDS:
            self.revoke(order_id)  # nobody could take it
        self._show()

    def revoke(self, order_id: str) -> None:
        """It is over; who still answers to it is no longer listened to."""
        for number, order in tuple(self._orders.items()):
            if order.id == order_id:
                for pid in tuple(order.channels):
                    self._hang_up(order, pid)
                for fd in order.fds:
                    os.close(fd)
                del self._orders[number]
        self._show()

    def close(self) -> None:
        """The daemon that gave them is gone."""
        for order in tuple(self._orders.values()):
            self.revoke(order.id)

    def _show(self) -> None:
        _native.put_u64(self._page, max(self._orders, default=0))
        self._watch()

    def _watch(self) -> None:
        """The guest is listened to only while there is something to say to it, and room for more."""
        channels = sum(len(order.channels) for order in self._orders.values())
        wanted = any(order.hellos < _MOST_HELLOS for order in self._orders.values()) and channels < self._most_channels
        if wanted and not self._watched:
            self._selector.register(self._control, selectors.EVENT_READ, self._on_hello)
        elif self._watched and not wanted:
            self._selector.unregister(self._control)
        self._watched = wanted

    # -- what processes say ------------------------------------------------------------------------

    def _on_hello(self, _events: int) -> None:
        for _ in range(_AT_ONCE):
            if not self._watched:
                return
            try:
                packet, ancillary, flags, _ = self._control.recvmsg(MOST_HELLO, _SPACE, socket.MSG_CMSG_CLOEXEC)
            except OSError:
                return
            pid, fds = _credentials(ancillary)
            after = _after(packet) if not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC) else -1
            channel = _channel(fds)
            if channel is not None and pid and after >= 0:
                self._give(pid, channel, after)
            elif channel is not None:
                channel.close()
            self._watch()

    def _give(self, pid: int, channel: socket.socket, after: int) -> None:
        """The first order that the process has not seen; a channel that is closed says that there is none."""
        number = min((number for number in self._orders if number > after), default=0)
        if not number:
            channel.close()
            return
        order = self._orders[number]
        order.hellos += 1
        if pid in order.channels:
            channel.close()
            return
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", order.fds))] if order.fds else []
        try:
            channel.sendmsg([order.packet], rights, socket.MSG_NOSIGNAL)
            self._selector.register(channel, selectors.EVENT_READ, _Replies(self, order, pid).ready)
        except OSError:
            channel.close()
            return
        order.channels[pid] = channel

    def replied(self, order: _Order, pid: int, reply: dict[str, Any] | None) -> None:
        """``reply`` None: there is nothing more to come."""
        if reply is None:
            self._hang_up(order, pid)
            self._watch()
        self._tell(event="reply", order=order.id, pid=pid, reply=reply)

    def _hang_up(self, order: _Order, pid: int) -> None:
        channel = order.channels.pop(pid)
        self._selector.unregister(channel)
        channel.close()


@dataclass(slots=True)
class _Replies:
    """One process's, to one order."""

    desk: OrderDesk
    order: _Order
    pid: int
    count: int = 0

    def ready(self, _events: int) -> None:
        try:
            packet = self.order.channels[self.pid].recv(MOST_REPLY + 1)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        self.count += 1
        reply = _object(packet) if len(packet) <= MOST_REPLY and self.count <= _MOST_REPLIES else None
        self.desk.replied(self.order, self.pid, reply)


def _credentials(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, list[int]]:
    """Who sent a packet, 0 if that is not told, and the descriptors that came with it."""
    pid, fds = 0, array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid, _, _ = _UCRED.unpack(data)
        elif level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) // fds.itemsize * fds.itemsize])
    return pid, fds.tolist()


def _channel(fds: list[int]) -> socket.socket | None:
    """The one descriptor that belongs to an introduction, if it is a socket of packets; all others are closed."""
    if len(fds) == 1:
        with contextlib.suppress(OSError):
            channel = socket.socket(fileno=fds[0])
            if (channel.family, channel.type) == (socket.AF_UNIX, socket.SOCK_SEQPACKET):
                channel.setblocking(False)
                return channel
            channel.detach()
    for fd in fds:
        os.close(fd)
    return None


def _after(packet: bytes) -> int:
    """The newest order that a process has seen; -1 when it does not say so properly."""
    said = _object(packet) or {}
    after = said.get("after")
    return after if isinstance(after, int) and 0 <= after < 1 << 63 else -1


def _object(packet: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(packet)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
