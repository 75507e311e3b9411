"""select, poll, epoll, and the descriptors that report events."""

from __future__ import annotations

import errno
import os
import select
import signal
import struct
import time
from pathlib import Path

import pytest

from framework.forked import forked
from framework.guest_space import Guest
from framework.guest_space import guest as new_guest
from wirt.host import _native
from wirt.sentry import signals
from wirt.sentry.process import SigAction

POLLFD = struct.Struct("<ihH")
MONITORS = 8300


@pytest.fixture
def ends(guest: Guest) -> tuple[int, int]:
    where = guest.room(8)
    guest.must("pipe2", where, os.O_NONBLOCK)
    reader, writer = struct.unpack("<ii", guest.mm.read(where, 8))
    return reader, writer


def _time(guest: Guest, seconds: int, rest: int = 0) -> int:
    return guest.put(seconds.to_bytes(8, "little") + rest.to_bytes(8, "little", signed=True))


def test_poll(guest: Guest, ends: tuple[int, int]) -> None:
    reader, writer = ends
    fds = guest.put(POLLFD.pack(reader, select.POLLIN, 0xFFFF) + POLLFD.pack(writer, select.POLLOUT, 0))
    assert guest.call("poll", fds, 2, 0) == 1
    assert POLLFD.unpack(guest.mm.read(fds, 8))[2] == 0
    assert POLLFD.unpack(guest.mm.read(fds + 8, 8))[2] == select.POLLOUT
    os.write(writer, b"x")
    assert guest.call("ppoll", fds, 2, _time(guest, 10), 0, 0) == 2
    assert guest.call("poll", 0, 0, 10) == 0
    assert guest.call("poll", fds, 1 << 20, 0) == -errno.EINVAL
    assert guest.call("poll", guest.hole(), 1, 0) == -errno.EFAULT
    assert guest.call("ppoll", fds, 2, _time(guest, 0, -1), 0, 0) == -errno.EINVAL
    assert guest.call("ppoll", fds, 2, 0, fds, 4) == -errno.EINVAL


def test_poll_does_not_see_the_monitors_descriptors(guest: Guest, ends: tuple[int, int]) -> None:
    os.dup2(ends[1], MONITORS)
    fds = guest.put(POLLFD.pack(MONITORS, select.POLLOUT, 0) + POLLFD.pack(-1, select.POLLIN, 0))
    started = time.monotonic()
    assert guest.call("poll", fds, 2, 10_000) == 1
    assert time.monotonic() - started < 5
    assert POLLFD.unpack(guest.mm.read(fds, 8)) == (MONITORS, select.POLLOUT, select.POLLNVAL)
    epoll = guest.must("epoll_create1", 0)
    assert guest.call("epoll_ctl", epoll, 1, MONITORS, guest.room(12)) == -errno.EBADF
    sets = guest.put(b"\xff" * 2048)
    assert guest.call("select", 16384, 0, sets, 0, _time(guest, 0)) == -errno.EBADF
    os.close(MONITORS)


def test_select(guest: Guest, ends: tuple[int, int]) -> None:
    reader, writer = ends
    os.write(writer, b"x")
    readable, writable = (guest.put((1 << fd).to_bytes(128, "little")) for fd in ends)
    assert guest.call("select", max(ends) + 1, readable, writable, 0, 0) == 2
    assert guest.mm.read(readable, 128) == (1 << reader).to_bytes(128, "little")
    os.read(reader, 1)
    timeout = _time(guest, 0, 1000)
    assert guest.call("select", reader + 1, readable, 0, 0, timeout) == 0
    assert guest.mm.read(readable, 128) == bytes(128)
    assert guest.mm.read(timeout, 16) == bytes(16)
    assert guest.call("select", -1, 0, 0, 0, 0) == -errno.EINVAL
    assert guest.call("select", 1, guest.hole(), 0, 0, 0) == -errno.EFAULT
    mask = guest.put((0).to_bytes(8, "little"))
    pair = guest.put(mask.to_bytes(8, "little") + (8).to_bytes(8, "little"))
    assert guest.call("pselect6", writer + 1, 0, writable, 0, _time(guest, 5), pair) == 1


def test_epoll(guest: Guest, ends: tuple[int, int]) -> None:
    reader, writer = ends
    epoll = guest.must("epoll_create1", os.O_CLOEXEC)
    event = guest.put(struct.pack("<IQ", select.EPOLLIN, 0x1234_5678_9ABC_DEF0))
    assert guest.call("epoll_ctl", epoll, 1, reader, event) == 0
    assert guest.call("epoll_ctl", epoll, 1, reader, event) == -errno.EEXIST
    assert guest.call("epoll_ctl", epoll, 3, reader, guest.hole()) == -errno.EFAULT
    where = guest.room(120)
    assert guest.call("epoll_wait", epoll, where, 10, 0) == 0
    os.write(writer, b"x")
    assert guest.call("epoll_wait", epoll, where, 10, -1) == 1
    assert struct.unpack("<IQ", guest.mm.read(where, 12)) == (select.EPOLLIN, 0x1234_5678_9ABC_DEF0)
    assert guest.call("epoll_pwait2", epoll, where, 10, _time(guest, 1), 0, 0) == 1
    assert guest.call("epoll_wait", epoll, guest.hole() - 12, 100, 0) == 1
    assert guest.call("epoll_wait", epoll, guest.hole() - 11, 100, 0) == -errno.EFAULT
    for most in (0, -1, 1 << 30):
        assert guest.call("epoll_wait", epoll, where, most, 0) == -errno.EINVAL
    assert guest.call("epoll_ctl", epoll, 2, reader, 0) == 0
    assert guest.call("epoll_create", 0) == -errno.EINVAL


def test_a_mask_holds_until_the_signal_is_delivered() -> None:
    def body() -> None:
        with new_guest() as guest:
            _native.own_signals()
            signals.set_action(guest.process, signal.SIGUSR1, SigAction(0x4000, 0x0400_0004, 0x5000))
            guest.task.mask = 1 << signal.SIGUSR1 - 1
            os.kill(os.getpid(), signal.SIGUSR1)
            assert guest.call("poll", 0, 0, 0) == 0
            empty = guest.put(bytes(8))
            assert guest.call("ppoll", 0, 0, 0, empty, 8) == -errno.EINTR
            assert (guest.task.mask, guest.task.saved_mask) == (0, 1 << signal.SIGUSR1 - 1)

    forked(body)


def test_eventfd_and_timerfd(guest: Guest) -> None:
    fd, where = guest.must("eventfd2", 5, os.O_CLOEXEC), guest.room(32)
    assert guest.call("read", fd, where, 8) == 8
    assert guest.mm.u64(where) == 5
    timer = guest.must("timerfd_create", 1, 0)
    spec = guest.put(struct.pack("<4q", 0, 0, 0, 1_000_000))
    assert guest.call("timerfd_settime", timer, 0, spec, where) == 0
    assert guest.call("read", timer, where, 8) == 8
    assert guest.call("timerfd_gettime", timer, where) == 0
    assert guest.call("timerfd_settime", timer, 0, guest.hole(), 0) == -errno.EFAULT
    assert guest.call("timerfd_settime", fd, 0, spec, 0) == -errno.EINVAL


def test_signalfd_reads_the_hosts_queue() -> None:
    def body() -> None:
        with new_guest() as guest:
            _native.own_signals()
            mask, where = guest.put((1 << signal.SIGUSR1 - 1).to_bytes(8, "little")), guest.room(128)
            guest.task.mask = 1 << signal.SIGUSR1 - 1
            fd = guest.must("signalfd4", -1, mask, 8, os.O_NONBLOCK)
            assert guest.call("read", fd, where, 128) == -errno.EAGAIN
            os.kill(os.getpid(), signal.SIGUSR1)
            assert guest.call("read", fd, where, 128) == 128
            assert guest.mm.u32(where) == signal.SIGUSR1
            assert guest.call("signalfd4", -1, mask, 4, 0) == -errno.EINVAL

    forked(body)


def test_inotify(guest: Guest, tmp_path: Path) -> None:
    fd, where = guest.must("inotify_init1", os.O_NONBLOCK), guest.room(256)
    watch = guest.must("inotify_add_watch", fd, guest.put(os.fsencode(tmp_path)), 0x100)
    (tmp_path / "new").touch()
    assert guest.call("read", fd, where, 256) > 16
    assert guest.call("inotify_rm_watch", fd, watch) == 0
    assert guest.call("inotify_add_watch", fd, guest.put(b"/proc/self/status"), 1) == -errno.EACCES


def test_files_without_a_name(guest: Guest) -> None:
    fd = guest.must("memfd_create", guest.put(b"name"), 3)
    assert guest.call("write", fd, guest.put(b"text"), 4) == 4
    assert guest.call("fcntl", fd, 1033, 8) == 0
    assert guest.call("write", fd, guest.put(b"text"), 4) == -errno.EPERM
    assert guest.link(f"/proc/self/fd/{fd}") == b"/memfd:name (deleted)"
    assert guest.call("memfd_create", guest.put(b"n" * 250), 0) == -errno.EINVAL
    assert guest.call("memfd_create", guest.put(b"huge"), 4) == -errno.EINVAL
    assert guest.call("memfd_create", guest.hole(), 0) == -errno.EFAULT


def test_processes_have_descriptors(guest: Guest) -> None:
    child = os.fork()
    if child == 0:
        signal.pause()
    fd = guest.must("pidfd_open", child, 0)
    assert guest.call("pidfd_send_signal", fd, 64, 0, 0) == -errno.EINVAL
    assert guest.call("pidfd_getfd", fd, 8300, 0) == -errno.EBADF
    copy = guest.must("pidfd_getfd", fd, 0, 0)
    assert os.path.samestat(os.fstat(copy), os.fstat(0))
    assert guest.call("pidfd_send_signal", fd, signal.SIGKILL, 0, 0) == 0
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


def test_data_moves_between_descriptors(guest: Guest, tmp_path: Path, ends: tuple[int, int]) -> None:
    reader, writer = ends
    (tmp_path / "from").write_bytes(b"0123456789")
    source, target = guest.open(tmp_path / "from"), guest.open(tmp_path / "to", os.O_RDWR | os.O_CREAT)
    offset = guest.put((2).to_bytes(8, "little"))
    assert guest.call("sendfile", target, source, offset, 3) == 3
    assert guest.mm.u64(offset) == 5
    assert guest.call("splice", source, offset, writer, 0, 2, 0) == 2
    assert guest.call("splice", reader, 0, target, 0, 10, 0) == 2
    assert guest.call("copy_file_range", source, offset, target, 0, 100, 0) == 3
    assert (tmp_path / "to").read_bytes() == b"23456789"
    assert guest.call("sendfile", target, source, guest.hole(), 3) == -errno.EFAULT
    assert guest.call("vmsplice", writer, guest.vector((guest.put(b"abc"), 3)), 1, 0) == 3
    assert guest.call("tee", reader, writer, 2, 0) < 0
    assert os.read(reader, 10) == b"abc"
    assert guest.call("pipe2", guest.base, 0x80) == -errno.EINVAL
    assert guest.call("pipe2", guest.hole(), 0) == -errno.EFAULT
