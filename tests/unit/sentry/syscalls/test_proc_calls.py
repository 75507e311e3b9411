"""/proc and /sys through the system calls of a guest."""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path

import pytest

from framework.guest_space import Guest

CWD = -100
ME = str(os.getpid()).encode()


def _p(guest: Guest, path: str | Path) -> int:
    return guest.put(os.fsencode(path))


def _mode(guest: Guest, path: str, *, name: str = "stat") -> int:
    where = guest.room(144)
    guest.must(name, _p(guest, path), where)
    return int.from_bytes(guest.mm.read(where + 24, 4), "little")


FILES = [
    "cmdline",
    "cpuinfo",
    "devices",
    "filesystems",
    "loadavg",
    "meminfo",
    "mounts",
    "stat",
    "swaps",
    "uptime",
    "version",
    "vmstat",
    "tty/drivers",
    "self/cmdline",
    "self/cgroup",
    "self/comm",
    "self/environ",
    "self/io",
    "self/limits",
    "self/maps",
    "self/mountinfo",
    "self/mounts",
    "self/oom_score_adj",
    "self/smaps",
    "self/smaps_rollup",
    "self/stat",
    "self/statm",
    "self/status",
    "self/net/dev",
    "self/net/tcp",
    "self/fdinfo/0",
    "net/unix",
    "sys/kernel/hostname",
    "sys/kernel/osrelease",
    "sys/kernel/pid_max",
    "sys/kernel/random/uuid",
    "sys/kernel/random/boot_id",
    "sys/vm/overcommit_memory",
    "sys/vm/max_map_count",
    "sys/fs/file-max",
    "sys/fs/pipe-max-size",
    "sys/net/core/somaxconn",
    "sys/net/ipv4/ip_local_port_range",
    "thread-self/status",
    "1/stat",
    "1/status",
    "1/cmdline",
]
SYSTEM_FILES = [
    "devices/system/cpu/online",
    "devices/system/cpu/possible",
    "devices/system/cpu/cpu1/online",
    "devices/system/node/online",
    "fs/cgroup/memory.max",
    "fs/cgroup/cpu.max",
    "kernel/mm/transparent_hugepage/enabled",
]


@pytest.mark.parametrize("path", [f"/proc/{name}" for name in FILES] + [f"/sys/{name}" for name in SYSTEM_FILES])
def test_files_can_be_read_and_described(guest: Guest, path: str) -> None:
    guest.mm.arguments = (guest.put(b"program\0-x"), 0)
    guest.mm.arguments = (guest.mm.arguments[0], guest.mm.arguments[0] + 11)
    guest.mm.environment = (guest.base, guest.base)
    text = guest.contents(path)
    assert text or path.endswith(("environ", "net/unix"))
    assert stat.S_ISREG(_mode(guest, path))
    assert guest.call("access", _p(guest, path), os.R_OK) == 0
    with_fields = guest.room(256)
    assert guest.call("statx", CWD, _p(guest, path), 0, 0x7FF, with_fields) == 0


def test_a_file_is_a_real_descriptor_that_stays_as_it_was(guest: Guest) -> None:
    fd = guest.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    where = guest.room(4096)
    first = guest.must("read", fd, where, 4096)
    text = guest.mm.read(where, first)
    assert b"Pid:\t" + ME in text
    assert guest.call("pread64", fd, where, 5, 0) == 5
    assert guest.call("write", fd, where, 1) == -errno.EBADF
    assert guest.call("ftruncate", fd, 0) == -errno.EINVAL
    assert not os.get_inheritable(fd)
    assert guest.link(f"/proc/self/fd/{fd}") == b"/proc/" + ME + b"/status"
    assert guest.open("/proc/self/status", os.O_RDWR) == -errno.EACCES
    assert guest.open("/proc/self/none") == -errno.ENOENT
    assert guest.open("/proc/version/x") == -errno.ENOTDIR
    assert guest.open("/proc/new", os.O_CREAT | os.O_WRONLY) == -errno.ENOENT


def test_folders_are_listed(guest: Guest) -> None:
    fd = guest.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    names = guest.names(fd)
    assert {b".", b"..", b"self", b"meminfo", b"1", ME} <= set(names)
    assert len(names) == len(set(names))
    guest.must("lseek", fd, 0, os.SEEK_SET)
    copy = guest.must("dup", fd)
    again = guest.names(copy)  # processes of the host come and go
    assert [name for name in again if not name.isdigit()] == [name for name in names if not name.isdigit()]
    assert guest.call("getdents64", fd, guest.base, 4096) == 0  # the position is shared
    assert guest.call("read", fd, guest.base, 10) == -errno.EISDIR
    where = guest.room(144)
    assert guest.call("fstat", copy, where) == 0
    assert stat.S_ISDIR(int.from_bytes(guest.mm.read(where + 24, 4), "little"))
    guest.must("close", copy)
    assert copy not in guest.process.special
    assert guest.call("getdents64", fd, guest.base, 2) == -errno.EINVAL or not guest.names(fd)


def test_folders_are_started_from(guest: Guest) -> None:
    fd = guest.open("/proc", os.O_RDONLY)
    assert guest.call("openat", fd, _p(guest, "self/stat"), os.O_RDONLY, 0) > 0
    assert guest.call("openat", fd, _p(guest, "../etc/passwd"), os.O_RDONLY, 0) > 0
    own = guest.call("openat", fd, _p(guest, "self"), os.O_RDONLY | os.O_DIRECTORY, 0)
    assert b"status" in guest.names(own)
    assert guest.link(f"/proc/self/fd/{own}") == b"/proc/" + ME
    assert guest.call("faccessat", own, _p(guest, "fd"), os.R_OK) == 0
    where = guest.room(64)
    assert guest.call("readlinkat", own, _p(guest, "exe"), where, 64) == len("/usr/bin/true")


def test_old_listings_have_the_type_at_the_end(guest: Guest) -> None:
    fd, where = guest.open("/proc/self/task"), guest.room(4096)
    size = guest.must("getdents", fd, where, 4096)
    data = guest.mm.read(where, size)
    length = struct.unpack_from("<H", data, 16)[0]
    assert data[18:20] == b".\0"
    assert data[length - 1] == 4


def test_descriptors_are_listed_below_the_limit(guest: Guest) -> None:
    hidden = os.dup2(0, 9000)
    names = guest.names(guest.open("/proc/self/fd"))
    assert b"0" in names
    assert b"9000" not in names
    assert guest.open("/proc/self/fd/9000") == -errno.ENOENT
    assert guest.open("/proc/self/fd/01") == -errno.ENOENT
    assert guest.call("readlink", _p(guest, "/proc/self/fd/9000"), guest.base, 100) == -errno.ENOENT
    os.close(hidden)


def test_descriptors_are_opened_again(guest: Guest, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    fd = guest.open(path)
    guest.must("lseek", fd, 3, os.SEEK_SET)
    assert guest.contents(f"/proc/self/fd/{fd}") == b"12345"
    assert guest.contents(f"/dev/fd/{fd}") == b"12345"
    path.unlink()
    assert guest.contents(f"/proc/self/fd/{fd}") == b"12345"
    writer = guest.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_TRUNC)
    assert guest.call("write", writer, guest.put(b"new"), 3) == 3
    assert guest.contents(f"/proc/self/fd/{fd}") == b"new"
    folder = guest.open(tmp_path)
    assert guest.open(f"/proc/self/fd/{folder}/none") == -errno.ENOENT
    (tmp_path / "other").write_bytes(b"other")
    assert guest.contents(f"/proc/thread-self/fd/{folder}/other") == b"other"
    assert guest.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NOFOLLOW) == -errno.ELOOP
    assert stat.S_ISLNK(_mode(guest, f"/proc/self/fd/{fd}", name="lstat"))
    assert stat.S_ISREG(_mode(guest, f"/proc/self/fd/{fd}"))


def test_pipes_are_opened_again(guest: Guest) -> None:
    pair = guest.room(8)
    guest.must("pipe2", pair, 0)
    reader, writer = struct.unpack("<ii", guest.mm.read(pair, 8))
    assert guest.link(f"/proc/self/fd/{reader}").startswith(b"pipe:[")
    again = guest.open(f"/proc/self/fd/{writer}", os.O_WRONLY)
    assert guest.call("write", again, guest.put(b"x"), 1) == 1
    assert guest.call("read", reader, guest.base, 10) == 1


def test_links_lead_in(guest: Guest, tmp_path: Path) -> None:
    (tmp_path / "mounts").symlink_to("/proc/self/mounts")
    (tmp_path / "deep").symlink_to("mounts")
    (tmp_path / "folder").symlink_to("/proc/self")
    (tmp_path / "loop").symlink_to("loop")
    assert b" / " in guest.contents(tmp_path / "deep")
    assert guest.contents(tmp_path / "folder" / "comm")
    assert stat.S_ISDIR(_mode(guest, str(tmp_path / "folder")))
    assert stat.S_ISLNK(_mode(guest, str(tmp_path / "folder"), name="lstat"))
    assert guest.open(tmp_path / "loop") == -errno.ELOOP
    assert guest.open(tmp_path / "none" / "x") == -errno.ENOENT


def test_links_lead_out(guest: Guest, tmp_path: Path) -> None:
    guest.must("chdir", _p(guest, tmp_path))
    (tmp_path / "file").write_bytes(b"here")
    assert guest.link("/proc/self/cwd") == os.fsencode(tmp_path)
    assert guest.contents("/proc/self/cwd/file") == b"here"
    assert guest.contents(f"/proc/self/root{tmp_path}/file") == b"here"
    assert guest.contents(f"/proc/../{tmp_path}/file") == b"here"
    assert stat.S_IFMT(_mode(guest, "/proc/self/exe")) == stat.S_IFREG
    assert guest.contents("/proc/self/exe")[:4] == b"\x7fELF"
    assert guest.call("chdir", _p(guest, "/proc/self/cwd")) == 0
    assert Path.cwd() == tmp_path


def test_the_monitors_own_are_never_reached(guest: Guest) -> None:
    for name in ("mem", "pagemap", "map_files", "clear_refs", "attr/current", "stack", "fd/9000", "task/self/mem"):
        assert guest.open(f"/proc/self/{name}") == -errno.ENOENT, name
    assert guest.open("/proc/self/ns/user") == -errno.EACCES
    assert guest.open("/proc/sysrq-trigger", os.O_WRONLY) == -errno.ENOENT
    assert guest.open("/proc/sys/kernel/core_pattern", os.O_WRONLY) == -errno.EACCES
    assert guest.open("/proc/kcore") == -errno.ENOENT
    assert guest.contents("/proc/self/exe") != Path("/proc/self/exe").read_bytes()


def test_proc_can_be_worked_in(guest: Guest) -> None:
    where = guest.room(4096)
    assert guest.call("chdir", _p(guest, "/proc/self/task")) == 0
    size = guest.must("getcwd", where, 4096)
    assert guest.mm.read(where, size) == b"/proc/" + ME + b"/task\0"
    assert guest.contents(ME + b"/comm")
    assert guest.contents("../status")
    assert guest.link("/proc/self/cwd") == b"/proc/" + ME + b"/task"
    assert guest.names(guest.open("."))[2:] == [ME]
    assert guest.call("chdir", _p(guest, "../../../usr")) == 0
    assert Path.cwd() == Path("/usr")
    assert guest.call("fchdir", guest.open("/proc/sys")) == 0
    assert guest.contents("kernel/ostype") == b"Linux\n"
    assert guest.call("chdir", _p(guest, "/")) == 0
    assert b"self" in guest.names(guest.open("proc"))


@pytest.mark.parametrize(
    ("name", "words", "error"),
    [
        ("unlink", ("/proc/self/status",), errno.EPERM),
        ("mkdir", ("/proc/self", 0o700), errno.EEXIST),
        ("rmdir", ("/proc/self",), errno.EPERM),
        ("chmod", ("/proc/self/status", 0o777), errno.EPERM),
        ("truncate", ("/proc/self/status", 0), errno.EACCES),
        ("symlink", ("/x", "/proc/self/x"), errno.ENOENT),
        ("rename", ("/proc/version", "/x"), errno.EPERM),
        ("readlink", ("/proc/version", 0x1000, 10), errno.EINVAL),
        ("chdir", ("/proc/version",), errno.ENOTDIR),
        ("stat", ("/proc/999999999", 0), errno.ENOENT),
        ("open", ("/proc/self", os.O_RDWR, 0), errno.EISDIR),
    ],
)
def test_what_proc_refuses(guest: Guest, name: str, words: tuple[str | int, ...], error: int) -> None:
    given = [_p(guest, word) if isinstance(word, str) else word for word in words]
    assert guest.call(name, *given) == -error


def test_writable_files_are_the_hosts_own(guest: Guest) -> None:
    fd = guest.open("/proc/self/comm", os.O_WRONLY)
    before = Path("/proc/self/comm").read_text()
    assert guest.call("write", fd, guest.put(b"renamed"), 7) == 7
    assert guest.contents("/proc/self/comm") == b"renamed\n"
    assert guest.contents("/proc/self/stat").split(b" ")[1] == b"(renamed)"
    Path("/proc/self/comm").write_text(before)


def test_after_a_change_of_root_proc_is_gone(guest: Guest) -> None:
    child = os.fork()
    if child == 0:
        status = guest.call("chroot", _p(guest, "/"))
        here = guest.process.own_root
        status |= guest.call("chroot", _p(guest, "/usr"))
        gone = guest.open("/proc/self/stat") == -errno.ENOENT
        os._exit(0 if status == 0 and here and gone and not guest.process.own_root else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_maps_shows_the_guests_memory(guest: Guest) -> None:
    start = guest.mm.place_for(0, 3 * 4096, 0)
    guest.mm.map_anonymous(start, 4096, 1, name="[vdso]")
    guest.mm.map_anonymous(start + 8192, 4096, 7, shared=True)
    lines = guest.contents("/proc/self/maps").decode().splitlines()
    assert f"{start:08x}-{start + 4096:08x} r--p 00000000 00:00 0".ljust(73) + "[vdso]" in lines
    assert any(line.startswith(f"{start + 8192:08x}-{start + 12288:08x} rwxs") for line in lines)
    guest.mm.write(guest.base, b"x" * 8192)
    rss = [line for line in guest.contents("/proc/self/smaps_rollup").decode().splitlines() if line.startswith("Rss")]
    assert int(rss[0].split()[1]) >= 8
    status = guest.contents("/proc/self/status").decode()
    assert f"VmSize:\t{sum(vma.size for vma in guest.mm.vmas) // 1024:>8} kB" in status
