"""fcntl and flock."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from pathlib import Path

import pytest

from framework.guest_space import Guest

FLOCK = struct.Struct("<hh4xqqi4x")


@pytest.fixture
def fd(guest: Guest, tmp_path: Path) -> int:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return guest.open(path, os.O_RDWR)


def test_fcntl_flags(guest: Guest, fd: int) -> None:
    assert guest.call("fcntl", fd, fcntl.F_GETFD, 0) == 0
    assert guest.call("fcntl", fd, fcntl.F_SETFD, 1) == 0
    assert guest.call("fcntl", fd, fcntl.F_GETFD, 0) == 1
    assert guest.call("fcntl", fd, fcntl.F_SETFL, os.O_APPEND) == 0
    assert guest.call("fcntl", fd, fcntl.F_GETFL, 0) & os.O_APPEND


def test_fcntl_duplicates_above_a_number(guest: Guest, fd: int) -> None:
    taken = {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208
    copy = guest.must("fcntl", fd, fcntl.F_DUPFD_CLOEXEC, 500)
    assert copy == min(set(range(500, 1 << 12)) - taken)
    assert not os.get_inheritable(copy)
    assert guest.call("fcntl", fd, fcntl.F_DUPFD, 1 << 20) == -errno.EINVAL
    assert guest.call("fcntl", fd, fcntl.F_DUPFD, -1) == -errno.EINVAL
    assert guest.call("fcntl", 7000, fcntl.F_DUPFD, 0) == -errno.EBADF


def test_fcntl_record_locks(guest: Guest, fd: int) -> None:
    lock = guest.put(FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    assert guest.call("fcntl", fd, fcntl.F_SETLK, lock) == 0
    assert guest.call("fcntl", fd, fcntl.F_SETLKW, lock) == 0
    assert guest.call("fcntl", fd, fcntl.F_GETLK, lock) == 0
    assert FLOCK.unpack(guest.mm.read(lock, FLOCK.size))[0] == fcntl.F_UNLCK
    child = os.fork()
    if child == 0:
        taken = guest.call("fcntl", fd, fcntl.F_SETLK, lock)
        guest.mm.write(lock, FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        taken = guest.call("fcntl", fd, fcntl.F_SETLK, lock)
        guest.call("fcntl", fd, fcntl.F_GETLK, lock)
        owner = FLOCK.unpack(guest.mm.read(lock, FLOCK.size))[4]
        os._exit(0 if taken == -errno.EAGAIN and owner == os.getppid() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert guest.call("fcntl", fd, fcntl.F_SETLK, guest.hole()) == -errno.EFAULT
    assert guest.call("fcntl", fd, fcntl.F_GETLK, guest.hole() - 8) == -errno.EFAULT


def test_flock_is_of_the_open_file(guest: Guest, fd: int, tmp_path: Path) -> None:
    assert guest.call("flock", fd, fcntl.LOCK_EX) == 0
    other = guest.open(tmp_path / "file")
    assert guest.call("flock", other, fcntl.LOCK_EX | fcntl.LOCK_NB) == -errno.EAGAIN


def test_fcntl_unknown_commands_never_reach_the_host(guest: Guest, fd: int) -> None:
    for command in (5000, 0x7FFF_FFFF, 99):
        assert guest.call("fcntl", fd, command, guest.base) == -errno.EINVAL
    assert guest.call("fcntl", fd, 10, 64) == -errno.EINVAL  # F_SETSIG with the monitor's signal
    assert guest.call("fcntl", fd, 1027, 8200) == -errno.EBADF  # F_DUPFD_QUERY on what is not the guest's
