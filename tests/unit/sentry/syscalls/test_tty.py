"""ioctl: what is known is passed on with its argument copied, all else is refused."""

from __future__ import annotations

import errno
import os
import pty
import socket
import struct
import termios
from pathlib import Path

import pytest

from framework.guest_space import Guest
from wirt.abi.linux.ioctls import REQUESTS, Way


@pytest.fixture
def terminal(guest: Guest) -> tuple[int, int]:
    return pty.openpty()


def test_terminals(guest: Guest, terminal: tuple[int, int]) -> None:
    master, slave = terminal
    where = guest.room(64)
    assert guest.call("ioctl", slave, termios.TCGETS, where) == 0
    before = guest.mm.read(where, 36)
    assert struct.unpack_from("<4I", before)[0] == termios.tcgetattr(slave)[0]
    guest.mm.write(where + 12, struct.pack("<I", struct.unpack_from("<I", before, 12)[0] & ~termios.ECHO))
    assert guest.call("ioctl", slave, termios.TCSETS, where) == 0
    assert not termios.tcgetattr(slave)[3] & termios.ECHO
    size = guest.put(struct.pack("<4H", 40, 100, 0, 0))
    assert guest.call("ioctl", master, termios.TIOCSWINSZ, size) == 0
    assert guest.call("ioctl", slave, termios.TIOCGWINSZ, where) == 0
    assert guest.mm.read(where, 4) == struct.pack("<2H", 40, 100)
    assert guest.call("ioctl", slave, termios.TIOCGWINSZ, guest.hole()) == -errno.EFAULT
    assert guest.call("ioctl", master, 0x80045430, where) == 0  # TIOCGPTN
    peer = guest.must("ioctl", master, 0x5441, os.O_RDWR | os.O_NOCTTY)
    assert os.ttyname(peer) == f"/dev/pts/{guest.mm.u32(where)}"


def test_files_that_are_no_terminals(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    fd, where = guest.open(tmp_path / "file"), guest.room(64)
    assert guest.call("ioctl", fd, termios.TCGETS, where) == -errno.ENOTTY
    assert guest.call("ioctl", fd, termios.FIONREAD, where) == 0
    assert guest.mm.u32(where) == 5
    assert guest.call("ioctl", fd, termios.FIOCLEX, 0) == 0
    assert not os.get_inheritable(fd)
    assert guest.call("ioctl", 7000, termios.FIOCLEX, 0) == -errno.EBADF
    assert guest.call("ioctl", 7000, 0x12345678, 0) == -errno.EBADF
    assert guest.call("ioctl", fd, 0x40049409, 8300) == -errno.EBADF  # FICLONE
    assert guest.call("ioctl", fd, 0x4020940D, guest.put(struct.pack("<qQQQ", 8300, 0, 0, 0))) == -errno.EBADF


@pytest.mark.parametrize("request_", [termios.TIOCSTI, 0x541C, 0x5423, 0x541D, 0x8946, 0xAE01, 0xC020660B, 0x5308])
def test_requests_that_are_not_known_never_reach_the_host(
    guest: Guest, terminal: tuple[int, int], request_: int
) -> None:
    assert request_ not in REQUESTS
    assert guest.call("ioctl", terminal[1], request_, guest.base) == -errno.ENOTTY


def test_interfaces(guest: Guest) -> None:
    fd = guest.must("socket", socket.AF_INET, socket.SOCK_DGRAM, 0)
    question = guest.put(struct.pack("<i4xQ", 0, 0))
    assert guest.call("ioctl", fd, 0x8912, question) == 0
    size = guest.mm.u32(question)
    assert size >= 40
    where = guest.room(size)
    question = guest.put(struct.pack("<i4xQ", size, where))
    assert guest.call("ioctl", fd, 0x8912, question) == 0
    assert b"lo\0" in guest.mm.read(where, size)
    request = guest.put(b"lo".ljust(40, b"\0"))
    assert guest.call("ioctl", fd, 0x8915, request) == 0
    assert guest.mm.read(request + 20, 4) == b"\x7f\0\0\1"
    question = guest.put(struct.pack("<i4xQ", size, guest.hole()))
    assert guest.call("ioctl", fd, 0x8912, question) == -errno.EFAULT
    assert guest.call("ioctl", fd, 0x8912, guest.put(struct.pack("<i4xQ", -5, where))) == 0


def test_sizes_are_those_of_the_requests() -> None:
    """Numbers made by _IOR and _IOW hold the size of their argument; FS_IOC_* say long and take an int."""
    for number, what in REQUESTS.items():
        size = number >> 16 & 0x3FFF
        if size and not what.name.startswith("FS_IOC"):
            assert what.size == (0 if what.way is Way.NUMBER else size), what.name
