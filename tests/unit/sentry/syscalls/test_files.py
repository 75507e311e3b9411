"""Reading, writing, duplicating and closing, against what the host's files hold."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from framework.guest_space import Guest
from wirt.sentry.descriptors import FD_LIMIT

TEXT = bytes(range(256)) * 40
PAGE = 4096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    return path


def _split(guest: Guest) -> int:
    """The middle of a buffer that lies in two mappings."""
    start = guest.mm.place_for(0, 4 * PAGE, 0)
    guest.mm.map_anonymous(start, 2 * PAGE, 3)
    guest.mm.map_anonymous(start + PAGE, PAGE, 3, shared=True)
    return start + PAGE


def test_read_and_write_move_bytes(guest: Guest, file: Path) -> None:
    fd = guest.open(file, os.O_RDWR)
    where = guest.room(1000)
    assert guest.call("read", fd, where, 1000) == 1000
    assert guest.mm.read(where, 1000) == TEXT[:1000]
    assert guest.call("write", fd, guest.put(b"new"), 3) == 3
    assert guest.call("pread64", fd, where, 3, 1000) == 3
    assert guest.mm.read(where, 3) == b"new"
    assert guest.call("pwrite64", fd, guest.put(b"head"), 4, 0) == 4
    assert file.read_bytes() == b"head" + TEXT[4:1000] + b"new" + TEXT[1003:]
    assert guest.call("lseek", fd, 0, os.SEEK_END) == len(TEXT)
    assert guest.call("read", fd, where, 10) == 0


def test_read_goes_over_a_border_between_mappings(guest: Guest, file: Path) -> None:
    middle = _split(guest)
    fd = guest.open(file)
    assert guest.call("read", fd, middle - 100, 300) == 300
    assert guest.mm.read(middle - 100, 300) == TEXT[:300]
    assert guest.call("pread64", fd, middle - 10, 20, 5) == 20
    assert guest.mm.read(middle - 10, 20) == TEXT[5:25]
    target = guest.open(file, os.O_WRONLY)
    assert guest.call("write", target, middle - 10, 20) == 20
    assert file.read_bytes()[:20] == TEXT[5:25]


def test_transfers_stop_short_where_memory_ends(guest: Guest, file: Path) -> None:
    fd = guest.open(file, os.O_RDWR)
    assert guest.call("read", fd, guest.hole() - 10, 100) == 10
    assert guest.mm.read(guest.hole() - 10, 10) == TEXT[:10]
    assert guest.call("write", fd, guest.hole() - 4, 100) == 4
    assert guest.call("read", fd, guest.hole(), 100) == -errno.EFAULT
    assert guest.call("lseek", fd, 0, os.SEEK_CUR) == 14


def test_memory_that_may_not_be_written_is_not_read_into(guest: Guest, file: Path) -> None:
    start = guest.mm.place_for(0, PAGE, 0)
    guest.mm.map_anonymous(start, PAGE, 1)
    fd = guest.open(file)
    assert guest.call("read", fd, start, 10) == -errno.EFAULT
    guest.mm.protect(start, PAGE, 0)
    assert guest.call("read", fd, start, 10) == -errno.EFAULT
    assert guest.call("write", guest.open(file, os.O_WRONLY), start, 10) == -errno.EFAULT


@pytest.mark.parametrize("count", [1 << 63, (1 << 64) - 1])
def test_negative_counts_are_invalid(guest: Guest, file: Path, count: int) -> None:
    fd = guest.open(file, os.O_RDWR)
    for name in ("read", "write"):
        assert guest.call(name, fd, guest.base, count) == -errno.EINVAL
    assert guest.call("pread64", fd, guest.base, 1, -1) == -errno.EINVAL


def test_huge_counts_are_cut(guest: Guest, file: Path) -> None:
    assert guest.call("read", guest.open(file), guest.base, 1 << 62) == len(TEXT)


def test_vectors_are_gathered_and_scattered(guest: Guest, file: Path) -> None:
    fd = guest.open(file, os.O_RDWR)
    one, two = guest.room(16), guest.room(16)
    parts = guest.vector((one, 5), (0, 0), (two, 7))
    assert guest.call("readv", fd, parts, 3) == 12
    assert (guest.mm.read(one, 5), guest.mm.read(two, 7)) == (TEXT[:5], TEXT[5:12])
    assert guest.call("pwritev", fd, parts, 3, 100, 0) == 12
    assert file.read_bytes()[100:112] == TEXT[:12]
    assert guest.call("preadv", fd, parts, 3, 200, 0) == 12
    assert guest.mm.read(one, 5) == TEXT[200:205]
    guest.must("lseek", fd, 50, os.SEEK_SET)
    assert guest.call("preadv2", fd, parts, 1, -1, 0, 0) == 5
    assert guest.mm.read(one, 5) == TEXT[50:55]
    assert guest.call("pwritev2", fd, parts, 1, 0, 0, 0x8000) == -errno.EOPNOTSUPP
    assert guest.call("writev", fd, parts, 0) == 0


def test_vectors_end_at_the_first_bad_element(guest: Guest, file: Path) -> None:
    fd = guest.open(file)
    good = guest.room(16)
    assert guest.call("readv", fd, guest.vector((good, 4), (guest.hole(), 4), (good, 4)), 3) == 4
    assert guest.call("readv", fd, guest.vector((guest.hole(), 4), (good, 4)), 2) == -errno.EFAULT
    assert guest.call("readv", fd, guest.vector((good, 1 << 63)), 1) == -errno.EINVAL
    assert guest.call("readv", fd, good, 1025) == -errno.EINVAL
    assert guest.call("readv", fd, guest.hole(), 1) == -errno.EFAULT


def test_bad_descriptors_come_before_bad_memory(guest: Guest) -> None:
    for name in ("read", "write", "readv"):
        assert guest.call(name, 7000, guest.hole(), 1) == -errno.EBADF
        assert guest.call(name, -1, guest.hole(), 1) == -errno.EBADF


def test_descriptors_of_the_monitor_do_not_exist(guest: Guest) -> None:
    own = os.dup(0)
    hidden = FD_LIMIT + 7
    os.dup2(own, hidden)
    os.close(own)
    for name in ("read", "write", "close", "dup", "fsync", "fstat", "getdents64", "lseek", "flock", "ioctl", "fcntl"):
        assert guest.call(name, hidden) == -errno.EBADF, name
    assert guest.call("dup2", 0, hidden) == -errno.EBADF
    assert guest.call("close_range", 3 + FD_LIMIT, 0xFFFF_FFFF, 0) == 0
    os.fstat(hidden)
    os.close(hidden)


def test_duplicates(guest: Guest, file: Path) -> None:
    fd = guest.open(file)
    copy = guest.must("dup", fd)
    assert guest.call("dup2", fd, copy) == copy
    assert guest.call("dup2", fd, fd) == fd
    assert guest.call("dup2", 7000, 7000) == -errno.EBADF
    assert guest.call("dup3", fd, fd, 0) == -errno.EINVAL
    assert guest.call("dup3", fd, 300, os.O_CLOEXEC) == 300
    assert not os.get_inheritable(300)
    assert guest.call("dup3", fd, 300, os.O_NONBLOCK) == -errno.EINVAL
    assert guest.call("close", copy) == 0
    assert guest.call("close", copy) == -errno.EBADF


def test_the_limit_of_open_files_is_the_guests(guest: Guest, file: Path) -> None:
    fd = guest.open(file)
    guest.process.limits[7] = (fd + 1, FD_LIMIT)
    assert guest.open(file) == -errno.EMFILE
    assert guest.call("dup", fd) == -errno.EMFILE
    assert guest.call("dup2", fd, fd + 1) == -errno.EBADF
    assert guest.call("pipe2", guest.room(8), 0) == -errno.EMFILE
    assert guest.call("fcntl", fd, 0, fd + 1) == -errno.EINVAL
    del guest.process.limits[7]
    assert guest.open(file) > fd


def test_close_range(guest: Guest, file: Path) -> None:
    low, high = guest.open(file), guest.open(file)
    assert guest.call("close_range", low, high, 4) == 0
    assert not os.get_inheritable(high)
    assert guest.call("close_range", high, low, 0) == -errno.EINVAL
    assert guest.call("close_range", low, high, 8) == -errno.EINVAL
    assert guest.call("close_range", low, high, 2) == 0
    assert guest.call("close", low) == -errno.EBADF


def test_sizes_and_syncing(guest: Guest, file: Path) -> None:
    fd = guest.open(file, os.O_RDWR)
    assert guest.call("ftruncate", fd, 10) == 0
    assert file.stat().st_size == 10
    assert guest.call("ftruncate", fd, -1) == -errno.EINVAL
    assert guest.call("fallocate", fd, 0, 0, 100) == 0
    assert file.stat().st_size == 100
    for name, words in (("fsync", ()), ("fdatasync", ()), ("fadvise64", (0, 0, 1)), ("readahead", (0, 10))):
        assert guest.call(name, fd, *words) == 0, name
    assert guest.call("sync_file_range", fd, 0, 0, 0) == 0
