"""Sockets: real ones, with the test's process at the other end."""

from __future__ import annotations

import array
import errno
import os
import socket
import struct

import pytest

from framework.guest_space import Guest
from wirt.abi.linux.socket import MSGHDR

CMSG = struct.Struct("<Qii")


def _pair(guest: Guest, kind: int = socket.SOCK_STREAM) -> tuple[int, socket.socket]:
    """A descriptor of the guest's and the other end, as Python has it."""
    where = guest.room(8)
    guest.must("socketpair", socket.AF_UNIX, kind, 0, where)
    ours, theirs = struct.unpack("<ii", guest.mm.read(where, 8))
    return ours, socket.socket(fileno=theirs)


def _message(guest: Guest, *parts: tuple[int, int], control: bytes = b"", name: tuple[int, int] = (0, 0)) -> int:
    where = guest.put(control) if control else 0
    iov = guest.vector(*parts)
    return guest.put(MSGHDR.pack(*name, iov, len(parts), where, len(control), 0))


def _rights(*fds: int) -> bytes:
    data = array.array("i", fds).tobytes()
    return CMSG.pack(16 + len(data), socket.SOL_SOCKET, socket.SCM_RIGHTS) + data


def test_families_that_there_are(guest: Guest) -> None:
    assert guest.call("socket", socket.AF_INET, socket.SOCK_STREAM, 0) > 0
    assert guest.call("socket", socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0) > 0
    assert guest.call("socket", socket.AF_NETLINK, socket.SOCK_RAW, 0) > 0
    for family in (socket.AF_PACKET, 38, 40, 31, 44, 0, -1, 1 << 31):
        assert guest.call("socket", family, socket.SOCK_STREAM, 0) == -errno.EAFNOSUPPORT, family
    for family, protocol in ((socket.AF_NETLINK, 12), (socket.AF_INET, 132), (socket.AF_INET, 262)):
        assert guest.call("socket", family, socket.SOCK_STREAM, protocol) == -errno.EPROTONOSUPPORT
    assert guest.call("socketpair", socket.AF_UNIX, socket.SOCK_STREAM, 0, guest.hole()) == -errno.EFAULT


def test_a_server_and_its_client(guest: Guest) -> None:
    server = guest.must("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
    address = struct.pack("<H", socket.AF_INET) + struct.pack(">H4s8x", 0, b"\x7f\0\0\1")
    assert guest.call("bind", server, guest.put(address), 16) == 0
    assert guest.call("listen", server, 5) == 0
    name, size = guest.room(128), guest.put((128).to_bytes(4, "little"))
    assert guest.call("getsockname", server, name, size) == 0
    assert guest.mm.u32(size) == 16
    port = int.from_bytes(guest.mm.read(name + 2, 2), "big")
    with socket.create_connection(("127.0.0.1", port)) as client:
        short = guest.put((4).to_bytes(4, "little"))
        guest.mm.write(name, bytes(16))
        fd = guest.must("accept4", server, name, short, socket.SOCK_CLOEXEC)
        assert guest.mm.u32(short) == 16
        assert guest.mm.read(name, 16) == guest.mm.read(name, 4) + bytes(12)
        assert not os.get_inheritable(fd)
        assert guest.call("sendto", fd, guest.put(b"hello"), 5, 0, 0, 0) == 5
        assert client.recv(10) == b"hello"
        client.sendall(b"answer")
        assert guest.call("recvfrom", fd, name, 10, 0, 0, 0) == 6
        assert guest.mm.read(name, 6) == b"answer"
        assert guest.call("shutdown", fd, socket.SHUT_WR) == 0
        assert client.recv(10) == b""
    again = guest.must("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
    assert guest.call("connect", again, guest.put(address[:2] + port.to_bytes(2, "big") + address[4:]), 16) == 0
    assert guest.call("getpeername", again, name, size) == 0
    assert guest.call("connect", again, guest.put(address), 200) == -errno.EINVAL
    assert guest.call("connect", again, guest.hole(), 16) == -errno.EFAULT
    assert guest.call("accept", server, guest.hole(), size) == -errno.EFAULT


def test_datagrams_tell_their_sender(guest: Guest) -> None:
    fd = guest.must("socket", socket.AF_INET, socket.SOCK_DGRAM, 0)
    address = struct.pack("<H", socket.AF_INET) + struct.pack(">H4s8x", 0, b"\x7f\0\0\1")
    guest.must("bind", fd, guest.put(address), 16)
    name, size = guest.room(16), guest.put((16).to_bytes(4, "little"))
    guest.must("getsockname", fd, name, size)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.sendto(b"ping", ("127.0.0.1", int.from_bytes(guest.mm.read(name + 2, 2), "big")))
        data = guest.room(10)
        assert guest.call("recvfrom", fd, data, 10, 0, name, size) == 4
        assert guest.mm.read(name + 2, 2) == other.getsockname()[1].to_bytes(2, "big")
        assert guest.call("sendto", fd, data, 4, 0, name, 16) == 4
        assert other.recv(10) == b"ping"


def test_messages_gather_and_scatter(guest: Guest) -> None:
    fd, other = _pair(guest)
    with other:
        assert guest.call("sendmsg", fd, _message(guest, (guest.put(b"one"), 3), (guest.put(b"two"), 3)), 0) == 6
        assert other.recv(10) == b"onetwo"
        other.sendall(b"abcdef")
        first, second = guest.room(2), guest.room(10)
        message = _message(guest, (first, 2), (second, 10))
        assert guest.call("recvmsg", fd, message, 0) == 6
        assert (guest.mm.read(first, 2), guest.mm.read(second, 4)) == (b"ab", b"cdef")
        assert guest.call("sendmsg", fd, _message(guest, (guest.hole(), 4)), 0) == -errno.EFAULT
        assert guest.call("sendmsg", fd, guest.hole() - 8, 0) == -errno.EFAULT


def test_datagrams_are_sent_whole_or_not(guest: Guest) -> None:
    fd, other = _pair(guest, socket.SOCK_DGRAM)
    with other:
        assert guest.call("sendto", fd, guest.hole() - 4, 8, 0, 0, 0) == -errno.EFAULT
        message = _message(guest, (guest.put(b"x"), 1), (guest.hole(), 4))
        assert guest.call("sendmsg", fd, message, 0) == -errno.EFAULT


def test_descriptors_are_passed(guest: Guest) -> None:
    fd, other = _pair(guest)
    with other:
        reader, writer = os.pipe()
        sent = _message(guest, (guest.put(b"x"), 1), control=_rights(writer))
        assert guest.call("sendmsg", fd, sent, 0) == 1
        _, fds, _, _ = socket.recv_fds(other, 10, 4)
        os.write(fds[0], b"through")
        assert os.read(reader, 10) == b"through"
        socket.send_fds(other, [b"y"], [reader, reader])
        where = guest.room(8)
        message = _message(guest, (where, 8), control=bytes(64))
        assert guest.call("recvmsg", fd, message, 0x40000000) == 1
        _, _, _, _, control, length, flags = MSGHDR.unpack(guest.mm.read(message, 56))
        assert (length, flags & 8) == (24, 0)
        got = struct.unpack("<ii", guest.mm.read(control + 16, 8))
        assert all(not os.get_inheritable(one) for one in got)
        assert guest.call("close", got[0]) == 0


def test_descriptors_of_the_monitor_are_not_passed(guest: Guest) -> None:
    fd, other = _pair(guest)
    with other:
        hidden = os.dup2(0, 8300)
        for control in (_rights(hidden), _rights(0, hidden), _rights(0) + bytes(4) + _rights(hidden)):
            message = _message(guest, (guest.put(b"x"), 1), control=control)
            assert guest.call("sendmsg", fd, message, 0) == -errno.EBADF
        os.close(hidden)
        broken = _rights(0)[:8] + b"\xff" * 12
        assert guest.call("sendmsg", fd, _message(guest, (guest.put(b"x"), 1), control=broken), 0) < 0 or other.recv(5)


def test_descriptors_beyond_the_limit_are_cut(guest: Guest) -> None:
    fd, other = _pair(guest)
    with other:
        free = os.dup(0)
        os.close(free)
        guest.process.limits[7] = (free + 1, 8192)
        socket.send_fds(other, [b"y"], [0, 0])
        message = _message(guest, (guest.room(8), 8), control=bytes(64))
        assert guest.call("recvmsg", fd, message, 0) == 1
        _, _, _, _, control, _, flags = MSGHDR.unpack(guest.mm.read(message, 56))
        assert flags & 8
        assert struct.unpack("<ii", guest.mm.read(control + 16, 8)) == (free, -1)


def test_many_messages(guest: Guest) -> None:
    fd, other = _pair(guest, socket.SOCK_DGRAM)
    with other:
        one = MSGHDR.pack(0, 0, guest.vector((guest.put(b"a"), 1)), 1, 0, 0, 0) + bytes(8)
        vector = guest.put(one * 2 + MSGHDR.pack(0, 0, guest.vector((guest.hole(), 1)), 1, 0, 0, 0) + bytes(8))
        assert guest.call("sendmmsg", fd, vector, 3, 0) == 2
        assert guest.mm.u32(vector + 56) == guest.mm.u32(vector + 64 + 56) == 1
        other.send(b"1")
        other.send(b"22")
        assert guest.call("recvmmsg", fd, vector, 2, 0, 0) == 2
        assert guest.call("recvmmsg", fd, vector, 2, 0x40, 0) == -errno.EAGAIN
        other.send(b"3")
        assert guest.call("recvmmsg", fd, vector, 2, 0x10000, 0) == 1


def test_options(guest: Guest) -> None:
    fd, other = _pair(guest)
    value, size = guest.put((1).to_bytes(4, "little")), guest.put((4).to_bytes(4, "little"))
    with other:
        assert guest.call("setsockopt", fd, socket.SOL_SOCKET, socket.SO_PASSCRED, value, 4) == 0
        assert guest.call("getsockopt", fd, socket.SOL_SOCKET, socket.SO_TYPE, value, size) == 0
        assert guest.mm.u32(value) == socket.SOCK_STREAM
        peer, room = guest.room(12), guest.put((100).to_bytes(4, "little"))
        assert guest.call("getsockopt", fd, socket.SOL_SOCKET, socket.SO_PEERCRED, peer, room) == 0
        assert (guest.mm.u32(peer), guest.mm.u32(room)) == (os.getpid(), 12)
        assert guest.call("getsockopt", fd, socket.SOL_SOCKET, socket.SO_TYPE, guest.hole(), size) == -errno.EFAULT


@pytest.mark.parametrize(
    ("level", "option"),
    [(0, 64), (0, 65), (41, 64), (6, 35), (6, 31), (1, 50), (1, 52), (263, 1), (0, 200), (284, 3), (1 << 31, 1)],
)
def test_options_that_hold_pointers_never_reach_the_host(guest: Guest, level: int, option: int) -> None:
    fd = guest.must("socket", socket.AF_INET, socket.SOCK_STREAM, 0)
    size = guest.put((64).to_bytes(4, "little"))
    assert guest.call("setsockopt", fd, level, option, guest.base, 64) == -errno.ENOPROTOOPT
    assert guest.call("getsockopt", fd, level, option, guest.base, size) == -errno.ENOPROTOOPT


def test_filters_are_copied(guest: Guest) -> None:
    fd = guest.must("socket", socket.AF_INET, socket.SOCK_DGRAM, 0)
    program = guest.put(struct.pack("<HBBI", 6, 0, 0, 0xFFFF))  # BPF_RET: take all
    option = (socket.SOL_SOCKET, 26)
    assert guest.call("setsockopt", fd, *option, guest.put(struct.pack("<H6xQ", 1, program)), 16) == 0
    assert guest.call("setsockopt", fd, *option, guest.put(struct.pack("<H6xQ", 1, guest.hole())), 16) == -errno.EFAULT
    assert guest.call("setsockopt", fd, *option, guest.put(struct.pack("<H6xQ", 0, program)), 16) == -errno.EINVAL
