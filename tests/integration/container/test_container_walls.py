"""What keeps a guest in: capabilities, the system call filter, hidden and read-only files."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from framework.containers import ContainerHost
from wirt.container.programs import executable
from wirt.kinds import capabilities

pytestmark = pytest.mark.root

EPERM, ENOSYS = 1, 38
Caller = Callable[..., str]


@pytest.fixture
def caller(host: ContainerHost) -> Iterator[Caller]:
    """Installs a program that makes one system call and exits with its errno, 0 for none; returns its path."""
    if os.uname().machine != "x86_64":
        pytest.skip("calls are written for x86_64")
    made: list[Path] = []

    def install(number: int, *args: int, compat: bool = False) -> str:
        values = (*args, 0, 0, 0)[:3]
        move = b"\xb8" + struct.pack("<I", number)
        if compat:  # mov eax; mov ebx; mov ecx; mov edx; int 0x80
            code = (
                move
                + b"".join(
                    op + struct.pack("<I", value) for op, value in zip((b"\xbb", b"\xb9", b"\xba"), values, strict=True)
                )
                + b"\xcd\x80"
            )
        else:  # mov eax; mov rdi; mov esi; mov edx; syscall
            code = (
                move
                + b"\x48\xbf"
                + struct.pack("<Q", values[0])
                + b"\xbe"
                + struct.pack("<I", values[1])
                + b"\xba"
                + struct.pack("<I", values[2])
                + b"\x0f\x05"
            )
        # xor edi, edi; test eax, eax; jns end; mov edi, eax; neg edi; end: mov eax, exit; syscall
        code += bytes.fromhex("31ff 85c0 7904 89c7 f7df b83c000000 0f05")
        path = host.rootfs / "bin" / f"call-{number}-{values[0]:x}{'-compat' if compat else ''}"
        path.write_bytes(executable("x86_64", code))
        path.chmod(0o755)
        made.append(path)
        return f"/bin/{path.name}"

    yield install
    for path in made:
        path.unlink()


def statuses(host: ContainerHost, **members: object) -> dict[str, str]:
    out = host.ok("grep", "-E", "Cap|NoNew|Seccomp:", "/proc/self/status", **members)
    return dict(line.split(":\t") for line in out.splitlines())


# -- capabilities -------------------------------------------------------------------------------------------------


def test_capabilities_are_dockers(host: ContainerHost) -> None:
    assert statuses(host) == {
        "CapInh": "0000000000000000",
        "CapPrm": "00000000a80425fb",
        "CapEff": "00000000a80425fb",
        "CapBnd": "00000000a80425fb",
        "CapAmb": "0000000000000000",
        "NoNewPrivs": "0",
        "Seccomp": "2",
    }


def test_a_user_holds_none(host: ContainerHost) -> None:
    words = statuses(host, user="bob")
    assert (words["CapPrm"], words["CapEff"], words["CapBnd"]) == ("0" * 16, "0" * 16, "00000000a80425fb")


def test_capabilities_are_added_and_dropped(host: ContainerHost) -> None:
    assert statuses(host, cap_drop=("ALL",), cap_add=("CHOWN",))["CapEff"] == f"{1:016x}"
    assert host.run("chown", "bob", "/tmp", cap_drop=("CHOWN",))[0] != 0


def test_privileged_holds_what_the_host_can_give_and_has_no_filter(host: ContainerHost) -> None:
    words = statuses(host, privileged=True)
    assert bin(int(words["CapEff"], 16)).count("1") == len(capabilities.available())
    assert words["Seccomp"] == "0"


def test_no_new_privileges(host: ContainerHost) -> None:
    assert statuses(host, security_opt=("no-new-privileges",))["NoNewPrivs"] == "1"


# -- system calls -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "argument", "error"),
    [
        pytest.param(250, 0, EPERM, id="keyctl"),
        pytest.param(248, 0, EPERM, id="add_key"),
        pytest.param(272, 0x1000_0000, EPERM, id="unshare a user namespace"),
        pytest.param(165, 0, EPERM, id="mount"),
        pytest.param(425, 1, EPERM, id="io_uring_setup"),
        pytest.param(321, 0, EPERM, id="bpf"),
        pytest.param(41, 38, EPERM, id="a socket to the kernel's cryptography"),
        pytest.param(41, 0x1_0000_0026, EPERM, id="the same with more in the register"),
        pytest.param(
            41, 1, 94, id="a socket of this host"
        ),  # ESOCKTNOSUPPORT: there is no type 0, but nothing forbids it
        pytest.param(435, 0, ENOSYS, id="clone3"),
        pytest.param(9999, 0, ENOSYS, id="a call of the future"),
        pytest.param(0x4000_0027, 0, ENOSYS, id="an x32 call"),
        pytest.param(39, 0, 0, id="getpid"),
    ],
)
def test_system_calls_are_filtered(host: ContainerHost, caller: Caller, number: int, argument: int, error: int) -> None:
    assert host.run(caller(number, argument))[0] == error


@pytest.mark.parametrize(("number", "error"), [(21, EPERM), (288, EPERM), (20, 0), (999, ENOSYS)])
def test_32_bit_system_calls_are_filtered(host: ContainerHost, caller: Caller, number: int, error: int) -> None:
    """mount, keyctl, getpid, and one of the future."""
    assert host.run(caller(number, compat=True))[0] == error


def test_unconfined_is_the_kernels_own_answer(host: ContainerHost, caller: Caller) -> None:
    assert host.run(caller(272, 0x1000_0000), security_opt=("seccomp=unconfined",))[0] == 0
    assert statuses(host, security_opt=("seccomp=unconfined",))["Seccomp"] == "0"


def test_a_capability_opens_its_calls(host: ContainerHost) -> None:
    assert host.ok("sh", "-c", "mount -t tmpfs none /tmp && echo done", cap_add=("SYS_ADMIN",)) == "done"


def test_a_profile_of_ones_own(host: ContainerHost, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    rule = '{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}'
    profile.write_text(f'{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{rule}]}}')
    status, _, err = host.run("mkdir", "/tmp/x", security_opt=(f"seccomp={profile}",))
    assert status == 1
    assert "Permission denied" in err


# -- files of the kernel ------------------------------------------------------------------------------------------


def test_kernel_files_are_hidden(host: ContainerHost) -> None:
    assert host.ok("sh", "-c", "cat /proc/keys /proc/timer_list /proc/sched_debug /proc/interrupts | wc -c") == "0"
    assert host.ok("sh", "-c", "ls /sys/firmware | wc -l") == "0"


@pytest.mark.parametrize(
    "path", ["/proc/sys/kernel/panic", "/proc/sysrq-trigger", "/sys/kernel/profiling", "/proc/irq/x"]
)
def test_kernel_files_are_read_only(host: ContainerHost, path: str) -> None:
    status, _, err = host.run("sh", "-c", f"echo 1 > {path}")
    assert status != 0
    assert "Read-only file system" in err or "nonexistent" in err


def test_cgroups_are_read_only(host: ContainerHost) -> None:
    script = "cd /sys/fs/cgroup; [ -d memory ] && cd memory; mkdir mine"
    status, _, err = host.run("sh", "-c", script)
    assert status != 0
    assert "Read-only file system" in err


def test_system_paths_may_be_shown(host: ContainerHost) -> None:
    script = "wc -c < /proc/interrupts; [ -w /proc/sys/kernel/hostname ] && echo writable"
    size, writable = host.ok("sh", "-c", script, security_opt=("systempaths=unconfined",)).split()
    assert int(size) > 0
    assert writable == "writable"


def test_root_may_be_read_only(host: ContainerHost) -> None:
    status, _, err = host.run("touch", "/new", read_only=True)
    assert status == 1
    assert "Read-only file system" in err
    assert host.ok("sh", "-c", "touch /dev/shm/x && echo fine", read_only=True) == "fine"
