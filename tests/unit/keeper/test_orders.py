"""Orders between a keeper and the monitors of its guest, which may be anybody's by now."""

from __future__ import annotations

import json
import os
import select
import selectors
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wirt.host import _native
from wirt.keeper.nursery import control_sockets, shared_page
from wirt.keeper.orders import OrderDesk
from wirt.sentry.orders import MOST_HELLO, MOST_ORDER, MOST_REPLY

SEQPACKET = (socket.AF_UNIX, socket.SOCK_SEQPACKET)


def open_files() -> set[int]:
    return {int(path.name) for path in Path("/proc/self/fd").iterdir()}


class Desk:
    """A desk with its loop, and the end of the control socket that a guest has."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.control, self.theirs = control_sockets()
        self.page = shared_page()
        self.told: list[dict[str, Any]] = []
        self.desk = OrderDesk(self.selector, self.control, self.page, lambda **event: self.told.append(event))

    def turn(self) -> None:
        """Whatever is there to be done."""
        while ready := self.selector.select(0):
            for key, events in ready:
                if self.selector.get_map().get(key.fd) is key:
                    key.data(events)

    def hello(self, packet: bytes = b'{"after": 0}', fds: list[int] | None = None) -> socket.socket:
        """Introduce ourselves; our end of the channel."""
        ours, theirs = socket.socketpair(*SEQPACKET)
        with theirs:
            socket.send_fds(self.theirs, [packet], [theirs.fileno()] if fds is None else fds)
        ours.setblocking(False)
        self.turn()
        return ours

    @property
    def newest(self) -> int:
        return _native.u64(self.page)

    def close(self) -> None:
        self.desk.close()
        self.selector.close()
        self.control.close()
        self.theirs.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    before = len(open_files())
    yield made
    made.desk.close()
    assert len(open_files()) == before, "descriptors stay open"
    made.close()


def given(channel: socket.socket) -> dict[str, Any]:
    packet, fds, _, _ = socket.recv_fds(channel, MOST_ORDER, 4)
    for fd in fds:
        os.close(fd)
    return {"fds": len(fds)} | (json.loads(packet) if packet else {})


def test_page_says_the_newest_open_order(desk: Desk) -> None:
    assert desk.newest == 0
    desk.desk.open("a", "first", {}, [])
    desk.desk.open("b", "second", {}, [])
    assert desk.newest == 2
    desk.desk.revoke("b")
    assert desk.newest == 1
    desk.desk.close()
    assert desk.newest == 0
    desk.desk.open("c", "third", {}, [])
    assert desk.newest == 3, "numbers are not used twice"


def test_process_gets_the_first_order_that_it_has_not_heeded(desk: Desk) -> None:
    reader, writer = os.pipe()
    desk.desk.open("a", "first", {"x": 1}, [writer])
    desk.desk.open("b", "second", {}, [])
    with desk.hello() as one, desk.hello(b'{"after": 1}') as two, desk.hello(b'{"after": 2}') as three:
        assert given(one) == {"fds": 1, "number": 1, "name": "first", "arguments": {"x": 1}}
        assert given(two) == {"fds": 0, "number": 2, "name": "second", "arguments": {}}
        assert given(three) == {"fds": 0}, "there is no third"
        one.send(b'{"went": "well"}')
        desk.turn()
        two.close()
        desk.turn()
    desk.turn()
    pid = os.getpid()
    assert desk.told == [
        {"event": "reply", "order": "a", "pid": pid, "reply": {"went": "well"}},
        {"event": "reply", "order": "b", "pid": pid, "reply": None},
        {"event": "reply", "order": "a", "pid": pid, "reply": None},
    ]
    os.close(reader)


def test_sender_is_who_the_kernel_says(desk: Desk) -> None:
    desk.desk.open("a", "order", {}, [])
    child = os.fork()
    if child == 0:
        ours, theirs = socket.socketpair(*SEQPACKET)
        socket.send_fds(desk.theirs, [b'{"after": 0}'], [theirs.fileno()])
        os._exit(0 if ours.recv(MOST_ORDER) else 1)
    assert select.select([desk.control], [], [], 20)[0]
    desk.turn()
    os.waitpid(child, 0)
    desk.turn()
    assert desk.told == [{"event": "reply", "order": "a", "pid": child, "reply": None}]


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"{}",
        b"nonsense",
        b"[" * 200,
        b'{"after": "0"}',
        b'{"after": -1}',
        b'{"after": 1e3}',
        b'{"after": ' + b"9" * 100 + b"}",
        b'{"after": 0}' + b" " * MOST_HELLO,
        b"\xff\xfe",
    ],
)
def test_introduction_that_is_none_is_dropped(desk: Desk, packet: bytes) -> None:
    desk.desk.open("a", "order", {}, [])
    with desk.hello(packet) as channel:
        assert given(channel) == {"fds": 0}
    with desk.hello() as channel:
        assert given(channel)["number"] == 1


def _nothing() -> list[int]:
    return []


def _pipe() -> list[int]:
    return list(os.pipe())[:1]


def _stream() -> list[int]:
    return [socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)[0].detach()]


def _many() -> list[int]:
    return [socket.socket(*SEQPACKET).detach() for _ in range(8)]


def _unconnected() -> list[int]:
    return [socket.socket(*SEQPACKET).detach()]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("make", [_nothing, _pipe, _stream, _many, _unconnected])
def test_descriptors_that_are_no_channel_are_closed(desk: Desk, make: Callable[[], list[int]]) -> None:
    desk.desk.open("a", "order", {}, [])
    open_before = open_files()
    fds = make()
    desk.hello(fds=fds).close()
    for fd in fds:
        os.close(fd)
    for fd in open_files() - open_before:  # the other ends of what was made
        os.close(fd)
    assert desk.told == []


@pytest.mark.parametrize(
    "reply", [b"nonsense", b"[]", b"[" * 10_000, b"1", b'"' + b"x" * MOST_REPLY + b'"', b'{"n": ' + b"9" * 5000 + b"}"]
)
def test_reply_that_is_none_ends_the_channel(desk: Desk, reply: bytes) -> None:
    desk.desk.open("a", "order", {}, [])
    with desk.hello() as channel:
        channel.send(reply)
        desk.turn()
        assert [event["reply"] for event in desk.told] == [None]
        with pytest.raises(BrokenPipeError):
            channel.send(b"{}")


def test_replies_of_one_process_are_counted(desk: Desk) -> None:
    desk.desk.open("a", "order", {}, [])
    with desk.hello() as channel, pytest.raises(BrokenPipeError):
        for _ in range(1000):
            channel.send(b"{}")
            desk.turn()
    assert len(desk.told) < 20
    assert desk.told[-1]["reply"] is None


def test_process_has_one_channel_an_order(desk: Desk) -> None:
    desk.desk.open("a", "order", {}, [])
    with desk.hello() as first, desk.hello() as second:
        assert given(first)["number"] == 1
        assert given(second) == {"fds": 0}


def test_nobody_is_listened_to_without_an_order(desk: Desk) -> None:
    with desk.hello(), pytest.raises(BlockingIOError):
        desk.theirs.setblocking(False)
        for _ in range(100_000):
            desk.theirs.send(b"babble")
    assert desk.told == []


def test_flood_before_an_order_is_passed_over(desk: Desk) -> None:
    desk.theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        for _ in range(100_000):
            desk.theirs.send(b"babble")
    desk.desk.open("a", "order", {}, [])
    desk.turn()
    with desk.hello() as channel:
        assert given(channel)["number"] == 1


def test_reply_with_descriptors_leaves_none(desk: Desk) -> None:
    desk.desk.open("a", "order", {}, [])
    reader, writer = os.pipe()
    with desk.hello() as channel:
        socket.send_fds(channel, [b"{}"], [writer])
        os.close(writer)
        desk.turn()
        assert os.read(reader, 1) == b"", "somebody holds the writing end"
    os.close(reader)


def test_order_that_nobody_could_take_is_none(desk: Desk) -> None:
    desk.desk.open("a", "order", {"much": "x" * MOST_ORDER}, [])
    assert desk.newest == 0


def test_sender_of_credentials_is_not_believed_without_them() -> None:
    ucred = struct.Struct("iII")
    ours, theirs = control_sockets()
    with ours, theirs:
        theirs.send(b"x")
        _, ancillary, _, _ = ours.recvmsg(16, socket.CMSG_SPACE(ucred.size))
        [(_, kind, data)] = ancillary
        assert kind == socket.SCM_CREDENTIALS
        assert ucred.unpack(data)[0] == os.getpid()
