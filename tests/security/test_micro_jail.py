"""What a monitor cannot do once it is in its jail, tried from inside by code that has taken it over."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wirt.host.seccomp import syscall_number
from wirt.micro.calls import allowed
from wirt.micro.config import MountPlan

Jail = Callable[..., Any]

pytestmark = pytest.mark.root

DEV = MountPlan("/dev", "tmpfs", "tmpfs", ("nosuid", "mode=755"))  # without it no program could be given /dev/null
NEWEST_CALL = 470
TRAPS = (335, 336)  # uretprobe and uprobe: the kernel lets them by every filter, and ends whoever has no probe there

# Names for those that matter most, so that a failure is readable; all others are tried by number.
FORBIDDEN = {
    "ptrace": 101,
    "syslog": 103,
    "personality": 135,
    "pivot_root": 155,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "reboot": 169,
    "sethostname": 170,
    "iopl": 172,
    "init_module": 175,
    "quotactl": 179,
    "clock_settime": 227,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "open_by_handle_at": 304,
    "setns": 308,
    "kcmp": 312,
    "finit_module": 313,
    "seccomp": 317,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "execve": 59,
    "execveat": 322,
}


# -- host calls ----------------------------------------------------------------------------------------


def test_dangerous_calls_are_refused(jail: Jail) -> None:
    told = jail(f"print(json.dumps({{name: host_call(number) for name, number in {FORBIDDEN!r}.items()}}))").json
    assert told == dict.fromkeys(FORBIDDEN, "EPERM")


def test_every_call_that_is_not_listed_is_refused(jail: Jail) -> None:
    listed = {number for name in allowed() if (number := syscall_number(name)) is not None}
    others = [number for number in range(NEWEST_CALL) if number not in listed and number not in TRAPS]
    assert len(others) > 100
    told = jail(f"print(json.dumps([number for number in {others!r} if host_call(number) != 'EPERM']))").json
    assert told == []


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("a thread in a new user namespace", "host_call(56, 0x10000000)"),
        ("a process in a new mount namespace", "host_call(56, 0x00020000 | 17)"),
        ("memory to be executed", "host_call(9, 0, 4096, 4, 0x22, 2**64 - 1, 0)"),
        ("typing into a terminal", "host_call(16, 0, 0x5412, b'x')"),
        ("typing into a terminal, by a number with more bits", "host_call(16, 0, 0x100005412, b'x')"),
        ("a line discipline", "host_call(16, 0, 0x5423, b'0000')"),
        ("sockets to the hypervisor below (vsock)", "host_call(41, 40, 1, 0)"),
        ("cryptography of the kernel's", "host_call(41, 38, 5, 0)"),
        ("packets of one's own making", "host_call(41, 17, 3, 0)"),
        ("the audit log", "host_call(41, 16, 3, 9)"),
    ],
)
def test_arguments_that_are_dangerous_are_refused(jail: Jail, what: str, call: str) -> None:
    assert jail(f"print(json.dumps({call}))").json == "EPERM", what


def test_calls_of_another_architecture_end_the_process(jail: Jail) -> None:
    """x32's numbers reach the same kernel functions: the filter knows one architecture only."""
    assert jail("print(json.dumps(host_call(0x40000000 | 165)))").code == 128 + signal.SIGSYS


def test_clone3_is_not_there(jail: Jail) -> None:
    """Its flags are in memory, so C libraries must fall back to clone."""
    assert jail("print(json.dumps(host_call(435, 0, 0)))").json == "ENOSYS"


# -- privileges ----------------------------------------------------------------------------------------

STATUS = """
text = os.read(os.open("self/status", os.O_RDONLY, dir_fd=inside.proc_fd), 16384).decode()
status = dict(line.split(":\\t", 1) for line in text.splitlines() if ":\\t" in line)
"""


def test_capabilities_are_of_a_user_namespace_of_its_own(jail: Jail) -> None:
    code = STATUS + (
        "where = os.readlink('self/ns/user', dir_fd=inside.proc_fd)\n"
        "print(json.dumps([where, {name: value for name, value in status.items() if name.startswith('Cap')}]))"
    )
    where, sets = jail(code).json
    assert where != str(Path("/proc/self/ns/user").readlink())
    default = "00000000a80425fb"
    assert sets == {"CapInh": "0" * 16, "CapPrm": default, "CapEff": default, "CapBnd": default, "CapAmb": "0" * 16}


def test_who_is_not_root_has_no_capability(jail: Jail) -> None:
    code = (
        STATUS
        + "print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups(), status['CapPrm'], status['CapEff']]))"
    )
    told = jail(code, uid=1000, gid=100, groups=(100, 7)).json
    assert told == [[1000] * 3, [100] * 3, [7, 100], "0" * 16, "0" * 16]


def test_no_privileges_can_be_gained(jail: Jail) -> None:
    assert jail(STATUS + "print(json.dumps([status['NoNewPrivs'], status['Seccomp']]))").json == ["1", "2"]


@pytest.mark.parametrize(
    "attempt",
    [
        "os.mknod('/tmp-disk', 0o60600, os.makedev(254, 0))",
        "os.setpriority(os.PRIO_PROCESS, 0, -20)",
        "open('/bin/program', 'rb').close(); os.setxattr('/bin/program', 'trusted.x', b'')",
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    ],
)
def test_root_in_a_jail_has_no_power_over_the_host(jail: Jail, attempt: str) -> None:
    code = f"try:\n    {attempt}\nexcept PermissionError:\n    print('true')\nelse:\n    print('false')"
    assert jail(code).json is True


def test_no_core_file_is_left_anywhere(jail: Jail) -> None:
    code = """
text = os.read(os.open("self/limits", os.O_RDONLY, dir_fd=inside.proc_fd), 4096).decode()
print(json.dumps(next(line for line in text.splitlines() if "core file" in line).split()[4:6]))
"""
    assert jail(code).json == ["1", "1"]  # one byte: what keeps it from a program of the host's as well


# -- the host's files ----------------------------------------------------------------------------------


def test_descriptors_are_the_streams_and_two_of_its_own(jail: Jail) -> None:
    code = """
folder = os.open("self/fd", os.O_RDONLY, dir_fd=inside.proc_fd)
numbers = {int(name) for name in os.listdir(folder)}
there = sorted(number for number in numbers if host_call(72, number, 1) in ("ok", "1"))
print(json.dumps([number for number in there if number not in (folder, inside.proc_fd, inside.records_fd)]))
"""
    assert jail(code).json == [0, 1, 2]


def test_streams_are_no_device_of_the_hosts(jail: Jail) -> None:
    code = """
streams = [os.fstat(fd) for fd in (0, 1, 2)]
print(json.dumps([s.st_dev == os.stat("/dev").st_dev for s in streams if stat.S_ISCHR(s.st_mode)]))
"""
    told = jail("import stat\n" + code).json
    assert told and all(told), "the mode of the host's /dev/null could be changed through it"


@pytest.mark.parametrize("start", ["inside.proc_fd", "inside.records_fd", "os.open('/', os.O_PATH)"])
def test_nothing_lies_above_a_folder_of_the_jail(jail: Jail, start: str) -> None:
    code = f"""
here = os.stat(".", dir_fd={start})
there = os.stat("../../../../..", dir_fd={start})
print(json.dumps([(here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)]))
"""
    assert jail(code).json == [True]


def test_root_is_the_guests(jail: Jail) -> None:
    assert jail("print(json.dumps(sorted(os.listdir('/'))))").json == ["bin", "dev", "proc", "sys"]
    assert jail("print(json.dumps([os.listdir('/proc'), os.listdir('/sys')]))").json == [[], []]


def test_what_an_image_has_in_proc_and_sys_is_covered(jail: Jail, rootfs: Path) -> None:
    for name in ("proc", "sys"):
        (rootfs / name).mkdir()
        (rootfs / name / "version").write_text("made up")
    code = """
refused = []
for path in ("/proc/version", "/sys/version", "/proc/new"):
    try:
        os.open(path, os.O_CREAT | os.O_WRONLY)
    except OSError as error:
        refused.append(error.errno == errno.EROFS)
print(json.dumps([*refused, os.listdir("/proc"), os.listdir("/sys")]))
"""
    assert jail(code).json == [True, True, True, [], []]


def test_image_whose_proc_is_a_link_is_refused(jail: Jail, rootfs: Path) -> None:
    (rootfs / "proc").symlink_to("bin")
    told = jail("print('never')")
    assert (told.code, told.out) == (125, "")
    assert "125 the image has a symbolic link where a folder must be: /proc" in told.err


def test_the_private_procfs_has_processes_alone(jail: Jail) -> None:
    code = "print(json.dumps(sorted(os.listdir(os.open('.', os.O_RDONLY, dir_fd=inside.proc_fd)))))"
    assert jail(code).json == ["1", "self", "thread-self"]


def test_settings_of_the_kernel_are_out_of_reach(jail: Jail) -> None:
    code = """
found = []
for name in ("sys/kernel/core_pattern", "sysrq-trigger", "kcore", "1/../sys/kernel/hostname", "self/root/proc/sys"):
    try:
        found.append(os.open(name, os.O_RDONLY, dir_fd=inside.proc_fd))
    except OSError:
        pass
print(json.dumps(found))
"""
    assert jail(code).json == []


def test_device_nodes_in_an_image_do_not_work(jail: Jail, rootfs: Path) -> None:
    os.mknod(rootfs / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    code = """
try:
    os.open("/zero", os.O_RDONLY)
except PermissionError:
    print("true")
"""
    assert jail(code).json is True


def test_devices_are_the_harmless_ones(jail: Jail) -> None:
    told = jail("print(json.dumps(sorted(os.listdir('/dev'))))").json
    links, folders = ["fd", "ptmx", "stderr", "stdin", "stdout"], ["mqueue", "pts", "shm"]
    assert told == sorted([*links, *folders, "full", "null", "random", "tty", "urandom", "zero"])
    assert jail("print(json.dumps(list(open('/dev/zero', 'rb').read(2))))").json == [0, 0]


def test_links_in_an_image_lead_into_the_image(jail: Jail, rootfs: Path, tmp_path: Path) -> None:
    outside, shared = tmp_path / "outside", tmp_path / "shared"
    outside.mkdir()
    shared.mkdir()
    (rootfs / "escape").symlink_to(outside)
    mounts = (
        DEV,
        MountPlan("/escape/mounted", "bind", str(shared), ("rbind", "rprivate")),
    )
    assert jail(f"print(json.dumps(os.listdir('{outside}')))", mounts=mounts).json == ["mounted"]
    assert list(outside.iterdir()) == []


def test_read_only_means_all_of_it(jail: Jail, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    bind = MountPlan("/shared", "bind", str(tmp_path / "shared"), ("rbind", "ro", "rro", "rprivate"))
    code = """
refused = []
for path in ("/new", "/shared/new"):
    try:
        open(path, "w").close()
    except OSError as error:
        refused.append(error.errno == errno.EROFS)
print(json.dumps(refused))
"""
    assert jail(code, mounts=(DEV, bind), read_only=True).json == [True, True]


# -- others' processes ---------------------------------------------------------------------------------


def test_processes_of_the_host_cannot_be_seen_or_signalled(jail: Jail) -> None:
    ours = os.getpid()
    code = f"print(json.dumps([os.getpid(), os.getppid(), host_call(62, {ours}, 0), host_call(434, {ours}, 0)]))"
    assert jail(code).json == [1, 0, "ESRCH", "ESRCH"]


def test_namespaces_are_none_of_the_hosts(jail: Jail) -> None:
    kinds = ("cgroup", "ipc", "mnt", "pid", "user", "uts")
    code = f"print(json.dumps([os.readlink(f'self/ns/{{kind}}', dir_fd=inside.proc_fd) for kind in {kinds!r}]))"
    ours = {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in kinds}
    assert ours.isdisjoint(jail(code).json)


# -- starts that are refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"argv": ("nothing",)}, '127 exec: "nothing": executable file not found in $PATH'),
        ({"argv": ("/bin/nothing",)}, '127 exec: "/bin/nothing": stat /bin/nothing: no such file or directory'),
        ({"argv": ("/bin",)}, '126 exec: "/bin": is a directory'),
        ({"argv": ("secret",), "uid": 7}, '126 exec: "secret": permission denied'),
        ({"cwd": "/bin/program"}, '126 the working directory "/bin/program" cannot be entered: not a directory'),
        ({"netns": "/nowhere"}, "125 No such file or directory: /nowhere"),
    ],
)
def test_refused_starts_say_why(jail: Jail, rootfs: Path, changes: dict[str, Any], words: str) -> None:
    (rootfs / "bin" / "secret").write_bytes(b"")
    (rootfs / "bin" / "secret").chmod(0o700)
    told = jail("print('not reached')", **changes)
    assert (told.code, told.out, told.err) == (125, "", f"refused: {words}\n")
