"""Names of files: what the guest's calls make of them, next to what os does."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from framework.guest_space import Guest

CWD = -100


def _p(guest: Guest, path: str | Path) -> int:
    return guest.put(os.fsencode(path))


def test_open_makes_and_truncates(guest: Guest, tmp_path: Path) -> None:
    path = tmp_path / "new"
    assert guest.open(path) == -errno.ENOENT
    fd = guest.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o640)
    assert not os.get_inheritable(fd)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert guest.open(path, os.O_CREAT | os.O_EXCL) == -errno.EEXIST
    path.write_bytes(b"text")
    guest.must("creat", _p(guest, path), 0o600)
    assert path.read_bytes() == b""
    assert guest.open(path, os.O_DIRECTORY) == -errno.ENOTDIR
    folder = guest.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    assert guest.call("openat", folder, _p(guest, "new"), os.O_RDONLY, 0) > 0
    assert guest.call("openat", 7000, _p(guest, "new"), os.O_RDONLY, 0) == -errno.EBADF
    assert guest.call("openat", 8200, _p(guest, "new"), os.O_RDONLY, 0) == -errno.EBADF


def test_open_with_bad_names(guest: Guest) -> None:
    assert guest.call("open", guest.hole(), 0, 0) == -errno.EFAULT
    assert guest.call("open", 0, 0, 0) == -errno.EFAULT
    assert guest.open("") == -errno.ENOENT
    assert guest.open("/" + "a" * 4095) == -errno.ENAMETOOLONG
    assert guest.open("/" * 4095) > 0
    end = guest.hole() - 4
    guest.mm.write(end, b"/etc")
    assert guest.call("open", end, 0, 0) == -errno.EFAULT  # the NUL would be beyond the mapping


def test_openat2_checks_its_structure(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    folder = guest.open(tmp_path, os.O_PATH)

    def how(flags: int, resolve: int = 0, extra: bytes = b"") -> tuple[int, int]:
        data = b"".join(word.to_bytes(8, "little") for word in (flags, 0, resolve)) + extra
        return guest.put(data), len(data)

    assert guest.call("openat2", folder, _p(guest, "link"), *how(os.O_RDONLY)) > 0
    assert guest.call("openat2", folder, _p(guest, "link"), *how(os.O_RDONLY, 4)) == -errno.ELOOP
    assert guest.call("openat2", folder, _p(guest, "../x"), *how(os.O_RDONLY, 8)) == -errno.EXDEV
    assert guest.call("openat2", folder, _p(guest, "file"), *how(os.O_RDONLY, 0, b"\0" * 8)) > 0
    assert guest.call("openat2", folder, _p(guest, "file"), *how(os.O_RDONLY, 0, b"\1" * 8)) == -errno.E2BIG
    assert guest.call("openat2", folder, _p(guest, "file"), how(0)[0], 8) == -errno.EINVAL
    assert guest.call("openat2", folder, _p(guest, "file"), how(0)[0], 1 << 40) == -errno.E2BIG


def test_links_and_renames(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    assert guest.call("link", _p(guest, tmp_path / "a"), _p(guest, tmp_path / "b")) == 0
    assert (tmp_path / "b").stat().st_nlink == 2
    assert guest.call("symlink", _p(guest, "b"), _p(guest, tmp_path / "c")) == 0
    assert guest.link(tmp_path / "c") == b"b"
    assert guest.call("readlink", _p(guest, tmp_path / "c"), guest.base, 0) == -errno.EINVAL
    assert guest.call("readlink", _p(guest, tmp_path / "a"), guest.base, 10) == -errno.EINVAL
    assert guest.call("rename", _p(guest, tmp_path / "a"), _p(guest, tmp_path / "d")) == 0
    assert guest.call("renameat2", CWD, _p(guest, tmp_path / "b"), CWD, _p(guest, tmp_path / "d"), 1) == -errno.EEXIST
    assert guest.call("renameat2", CWD, _p(guest, tmp_path / "b"), CWD, _p(guest, tmp_path / "x"), 4) == -errno.EINVAL
    assert guest.call("unlink", _p(guest, tmp_path / "d")) == 0
    assert guest.call("unlink", _p(guest, tmp_path)) in (-errno.EISDIR, -errno.EPERM)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]


def test_a_file_without_a_name_gets_one(guest: Guest, tmp_path: Path) -> None:
    fd = guest.open(tmp_path, os.O_TMPFILE | os.O_RDWR)
    guest.must("write", fd, guest.put(b"text"), 4)
    words = (CWD, _p(guest, f"/proc/self/fd/{fd}"), CWD, _p(guest, tmp_path / "named"), 0x400)
    assert guest.call("linkat", *words) == 0
    assert (tmp_path / "named").read_bytes() == b"text"


def test_mknod_makes_what_is_no_device(guest: Guest, tmp_path: Path) -> None:
    assert guest.call("mknod", _p(guest, tmp_path / "pipe"), stat.S_IFIFO | 0o600, 0) == 0
    assert guest.call("mknod", _p(guest, tmp_path / "socket"), stat.S_IFSOCK | 0o600, 0) == 0
    assert guest.call("mknod", _p(guest, tmp_path / "file"), 0o600, 0) == 0
    assert (tmp_path / "pipe").is_fifo()
    assert guest.call("mknod", _p(guest, tmp_path / "null"), stat.S_IFCHR | 0o600, 0x103) == -errno.EPERM
    assert guest.call("mknod", _p(guest, tmp_path / "whiteout"), stat.S_IFCHR, 0) == -errno.EPERM


def test_access_and_truncate(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert guest.call("access", _p(guest, tmp_path / "file"), os.R_OK) == 0
    assert guest.call("access", _p(guest, tmp_path / "file"), 8) == -errno.EINVAL
    assert guest.call("faccessat2", CWD, _p(guest, tmp_path / "none"), 0, 0x200) == -errno.ENOENT
    assert guest.call("truncate", _p(guest, tmp_path / "file"), 2) == 0
    assert (tmp_path / "file").read_bytes() == b"12"


def test_folders_are_made_listed_and_removed(guest: Guest, tmp_path: Path) -> None:
    assert guest.call("mkdir", _p(guest, tmp_path / "d"), 0o700) == 0
    names = {f"name-{index:03}".encode() for index in range(300)}
    for name in names:
        (tmp_path / "d" / name.decode()).touch()
    fd = guest.open(tmp_path / "d", os.O_DIRECTORY)
    assert set(guest.names(fd)) == names | {b".", b".."}
    assert guest.call("getdents64", fd, guest.hole(), 100) in (0, -errno.EFAULT)
    assert guest.call("rmdir", _p(guest, tmp_path / "d")) == -errno.ENOTEMPTY
    guest.must("lseek", fd, 0, os.SEEK_SET)
    assert guest.call("getdents64", fd, guest.base, 4) == -errno.EINVAL
    assert guest.call("getdents64", fd, guest.hole() - 100, 4096) > 0
    assert guest.call("getdents", fd, guest.base, 4096) > 0


def test_the_working_directory(guest: Guest, tmp_path: Path) -> None:
    where = guest.room(4096)
    assert guest.call("chdir", _p(guest, tmp_path)) == 0
    size = guest.must("getcwd", where, 4096)
    assert guest.mm.read(where, size) == os.fsencode(tmp_path) + b"\0"
    assert guest.call("getcwd", where, 3) == -errno.ERANGE
    assert guest.call("chdir", _p(guest, "none")) == -errno.ENOENT
    assert guest.call("fchdir", guest.open("/", os.O_PATH)) == 0
    assert Path.cwd() == Path("/")


@pytest.mark.parametrize("name", ["stat", "lstat"])
def test_stat_is_the_hosts(guest: Guest, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    where = guest.room(144)
    assert guest.call(name, _p(guest, tmp_path / "link"), where) == 0
    expected = (tmp_path / "link").stat() if name == "stat" else (tmp_path / "link").lstat()
    data = guest.mm.read(where, 144)
    assert int.from_bytes(data[8:16], "little") == expected.st_ino
    assert int.from_bytes(data[24:28], "little") == expected.st_mode
    assert guest.call(name, _p(guest, tmp_path / "none"), where) == -errno.ENOENT
    assert guest.call(name, _p(guest, tmp_path / "file"), guest.hole() - 100) == -errno.EFAULT


def test_statx_and_empty_paths(guest: Guest, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    fd, where = guest.open(path), guest.room(256)
    assert guest.call("statx", fd, guest.put(b""), 0x1000, 0x7FF, where) == 0
    assert int.from_bytes(guest.mm.read(where + 40, 8), "little") == 5
    assert guest.call("newfstatat", fd, 0, where, 0x1000) == 0
    assert guest.call("newfstatat", fd, guest.put(b""), where, 0) == -errno.ENOENT
    assert guest.call("newfstatat", CWD, guest.put(b""), where, 0x1000) == 0
    assert int.from_bytes(guest.mm.read(where + 8, 8), "little") == Path.cwd().stat().st_ino
    assert guest.call("fstat", fd, where) == 0
    assert guest.mm.read(where + 48, 8) == (5).to_bytes(8, "little")


def test_modes_owners_times(guest: Guest, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    assert guest.call("chmod", _p(guest, path), 0o4711) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o4711
    assert guest.call("fchmod", guest.open(path), 0o600) == 0
    assert guest.call("chown", _p(guest, path), os.getuid(), -1) == 0
    assert guest.call("utime", _p(guest, path), guest.put((5).to_bytes(8, "little") + (7).to_bytes(8, "little"))) == 0
    assert (path.stat().st_atime, path.stat().st_mtime) == (5, 7)
    times = guest.put(b"".join(word.to_bytes(8, "little") for word in (10, 500000, 20, 250000)))
    assert guest.call("utimes", _p(guest, path), times) == 0
    assert path.stat().st_mtime == 20.25
    assert guest.call("utimensat", CWD, _p(guest, path), times, 0) == 0
    assert path.stat().st_mtime_ns == 20_000_250_000
    assert guest.call("utimensat", guest.open(path), 0, times, 0) == 0
    assert guest.call("utimensat", CWD, 0, times, 0) == -errno.EFAULT
    bad = guest.put(b"".join(word.to_bytes(8, "little") for word in (10, 2_000_000, 0, 0)))
    assert guest.call("utimes", _p(guest, path), bad) == -errno.EINVAL


def test_extended_attributes(guest: Guest, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    name, where = guest.put(b"user.color"), guest.room(100)
    assert guest.call("setxattr", _p(guest, path), name, guest.put(b"blue"), 4, 0) == 0
    assert os.getxattr(path, "user.color") == b"blue"
    assert guest.call("getxattr", _p(guest, path), name, where, 0) == 4
    assert guest.call("getxattr", _p(guest, path), name, where, 3) == -errno.ERANGE
    assert guest.call("getxattr", _p(guest, path), name, where, 100) == 4
    assert guest.mm.read(where, 4) == b"blue"
    fd = guest.open(path)
    assert guest.call("fgetxattr", fd, name, where, 100) == 4
    assert guest.call("getxattr", _p(guest, f"/proc/self/fd/{fd}"), name, where, 100) == 4
    assert guest.call("listxattr", _p(guest, path), where, 100) == 11
    assert guest.call("setxattr", _p(guest, path), name, where, 1 << 20, 0) == -errno.E2BIG
    assert guest.call("setxattr", _p(guest, path), guest.put(b""), where, 1, 0) == -errno.ERANGE
    assert guest.call("setxattr", _p(guest, path), guest.put(b"user." + b"x" * 300), where, 1, 0) == -errno.ERANGE
    assert guest.call("removexattr", _p(guest, path), name) == 0
    assert guest.call("fgetxattr", fd, name, where, 100) == -errno.ENODATA


def test_statfs(guest: Guest, tmp_path: Path) -> None:
    where = guest.room(120)
    assert guest.call("statfs", _p(guest, tmp_path), where) == 0
    assert int.from_bytes(guest.mm.read(where + 8, 8), "little") == os.statvfs(tmp_path).f_bsize
    assert guest.call("fstatfs", guest.open(tmp_path), where) == 0
    assert guest.call("statfs", _p(guest, "/proc"), where) == 0
    assert guest.mm.read(where, 4) == (0x9FA0).to_bytes(4, "little")


def test_open_waits_for_the_other_end_of_a_pipe(guest: Guest, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    child = os.fork()
    if child == 0:
        (tmp_path / "pipe").write_bytes(b"hello")
        os._exit(0)
    assert guest.contents(tmp_path / "pipe") == b"hello"
    os.waitpid(child, 0)


def test_sockets_have_names(guest: Guest, tmp_path: Path) -> None:
    where = tmp_path / "socket"
    fd = guest.must("socket", socket.AF_UNIX, socket.SOCK_STREAM, 0)
    address = socket.AF_UNIX.to_bytes(2, "little") + os.fsencode(where)
    assert guest.call("bind", fd, guest.put(address), len(address)) == 0
    assert where.is_socket()
