"""Orders: what the keeper asks of every process of a running guest, and how each is answered.

All processes of a guest share one page with its keeper. Its first word is the number of the newest order that is open,
0 while there is none. A process that is kicked (``vmm.platform.KICK``) and finds nothing else to do looks there, which
is a read of memory; so does one that begins. When it finds a number that it has not heeded, one of its threads
introduces itself: it makes a pair of sockets, sends the keeper one end over the control socket, and receives the order
on its own: a JSON object with ``number``, ``name`` and ``arguments``, descriptors beside it.

``register`` says who answers to a name. The handler sends JSON objects, one a packet; closing the socket tells the
keeper that there is no more to come. It runs between two steps of its guest thread, whose registers are the program's,
with all signals blocked, while other threads go on.
"""

from __future__ import annotations

import array
import contextlib
import errno
import json
import logging
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wirt.host import _native
from wirt.sentry.descriptors import hide
from wirt.sentry.task import Task

__all__ = ["MOST_FDS", "MOST_HELLO", "MOST_ORDER", "MOST_REPLY", "Handler", "Order", "Post", "born", "look", "register"]

MOST_HELLO = 256  # bytes of the packet with which a process introduces itself
MOST_ORDER = 64 << 10
MOST_REPLY = 16 << 10  # bytes of JSON
MOST_FDS = 4

_GLANCE = struct.pack("qq", 0, 100_000)  # struct timeval: between two looks whether an order is still open
_GLANCES = 100  # until a process gives its order up

log = logging.getLogger("wirt.sentry")


@dataclass(frozen=True, slots=True)
class Post:
    """Where a process hears of orders. ``fd``: its end of the control socket; ``page``: where the shared page is."""

    fd: int
    page: int


@dataclass(slots=True, eq=False)
class Order:
    """What a handler is given. It calls ``done``, at once or later, and may ``take`` descriptors before."""

    name: str
    arguments: dict[str, Any]
    fds: list[int]
    channel: socket.socket

    def reply(self, **message: Any) -> None:
        """At most ``MOST_REPLY`` bytes of JSON; a keeper that is gone is no error."""
        with contextlib.suppress(OSError):
            self.channel.send(json.dumps(message, separators=(",", ":")).encode(), socket.MSG_NOSIGNAL)

    def take(self) -> list[int]:
        """The descriptors, which are the caller's to close from now on."""
        taken, self.fds = self.fds, []
        return taken

    def done(self) -> None:
        """No more replies."""
        _open.discard(self)
        self.channel.close()
        for fd in self.take():
            os.close(fd)


Handler = Callable[[Task, Order], None]
_handlers: dict[str, Handler] = {}
_open: set[Order] = set()  # that are not done yet


def register(name: str, handler: Handler) -> None:
    """At import: a process in the jail can load no module."""
    _handlers[name] = handler


def look(task: Task) -> None:
    """Heed whatever this process has not heeded yet; stand still while another thread asks for it."""
    process = task.process
    if (hold := process.hold) is not None:
        hold.park(task)
    post = process.options.post
    while post is not None and _native.u64(post.page) > process.heeded:
        with process.lock:
            if (newest := _native.u64(post.page)) <= process.heeded:
                return  # another thread was faster
            before, process.heeded = process.heeded, newest
        try:
            _heed(task, post, before)
        except OSError as error:
            log.warning("process %d could not hear its order: %s", process.pid, error)
            process.heeded = before  # the next kick may have more luck
            return


def born(task: Task) -> None:
    """In a new process: its parent's orders are not its own; one that neither has heeded yet is."""
    task.process.hold = None
    for order in tuple(_open):
        order.done()
    look(task)


def _heed(task: Task, post: Post, before: int) -> None:
    """Ask for every order after ``before``, one after the other."""
    while _native.u64(post.page) > before and (order := _ask(post, before)) is not None:
        before, given = order
        handler = _handlers.get(given.name, _unknown)
        try:
            handler(task, given)
        except Exception as error:  # of ours: the program goes on, and who gave the order is told
            log.exception("the order %s failed", given.name)
            given.reply(refused=f"the monitor failed: {type(error).__name__}: {error}")
            given.done()


def _unknown(_task: Task, order: Order) -> None:
    order.reply(refused=f"this guest's monitor knows no order {order.name!r}")
    order.done()


def _ask(post: Post, before: int) -> tuple[int, Order] | None:
    """The first open order after ``before`` and its number; None when there is no more."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    channel = socket.socket(fileno=hide(ours.detach()))
    try:
        with theirs:
            _introduce(post.fd, theirs, before)
        packet, fds = _receive(channel, post, before)
    except BaseException:
        channel.close()
        raise
    if not packet:
        channel.close()
        return None
    said = json.loads(packet)
    order = Order(said["name"], said["arguments"], list(map(hide, fds)), channel)
    _open.add(order)
    return said["number"], order


def _receive(channel: socket.socket, post: Post, before: int) -> tuple[bytes, list[int]]:
    """The packet with the order; none when there is none any more: a keeper with nothing to say does not listen."""
    channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _GLANCE)
    for _ in range(_GLANCES):
        with contextlib.suppress(BlockingIOError):
            packet, fds, _, _ = socket.recv_fds(channel, MOST_ORDER, MOST_FDS, socket.MSG_CMSG_CLOEXEC)
            return packet, fds
        if _native.u64(post.page) <= before:
            return b"", []
    raise OSError(errno.ETIMEDOUT, "the keeper does not answer")


def _introduce(fd: int, theirs: socket.socket, before: int) -> None:
    """ "Here I am": not waited for, as other processes of the guest may have filled the socket."""
    packet = json.dumps({"after": before}).encode()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
    control = socket.socket(fileno=fd)
    try:
        control.sendmsg([packet], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    finally:
        control.detach()
