"""From what is asked of a micro guest to what its monitor is told."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from wirt import errors
from wirt.abi.linux import mount as ms
from wirt.kinds.facts import Facts
from wirt.micro import calls, config, report
from wirt.micro.config import MonitorConfig, MountPlan
from wirt.micro.files import mount_options
from wirt.micro.monitor import find_program
from wirt.micro.report import Refused, Report
from wirt.micro.runtime import MicroRuntime
from wirt.micro.wishes import check
from wirt.model.guest import Device, GuestSpec


def test_configuration_survives_the_file() -> None:
    made = MonitorConfig(
        platform="kvm",
        seccomp="AAAA",
        argv=("echo", "\udcff"),
        env=("A=b",),
        groups=(1, 2),
        rlimits=(("core", 0, (1 << 64) - 1),),
        mounts=(MountPlan("/a", "bind", "/b", ("rbind", "ro")),),
        sysctls=(("net.ipv4.ip_forward", "1"),),
    )
    assert config.read(config.write(made)) == made


@pytest.mark.parametrize(
    ("options", "flags", "data"),
    [
        (("nosuid", "noexec", "mode=755", "size=64k"), ms.MS_NOSUID | ms.MS_NOEXEC, "mode=755,size=64k"),
        (("rbind", "ro", "rro", "rprivate", "z"), ms.MS_RDONLY, ""),
        (("newinstance", "ptmxmode=0666", "rw", "relatime"), ms.MS_RELATIME, "ptmxmode=0666"),
    ],
)
def test_mount_options_are_flags_or_data(options: tuple[str, ...], flags: int, data: str) -> None:
    assert mount_options(options) == (flags, data)


@pytest.mark.parametrize(
    "wish", [{"privileged": True}, {"pid_mode": "host"}, {"devices": (Device("/dev/fuse", "/dev/fuse"),)}]
)
def test_what_needs_the_hosts_kernel_is_refused(facts: Facts, wish: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidInput) as caught:
        check(GuestSpec(image="busybox", **wish), facts)
    assert "--kind container" in caught.value.hint


@pytest.mark.usefixtures("every_capability")
def test_what_has_no_effect_is_said(facts: Facts) -> None:
    spec = GuestSpec(image="busybox", cap_add=("SYS_ADMIN",), security_opt=("seccomp=unconfined", "no-new-privileges"))
    capability, option = check(spec, facts)
    assert "CAP_SYS_ADMIN" in capability
    assert "seccomp=unconfined" in option


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('127 exec: "x": executable file not found in $PATH', 127, 'exec: "x": executable file not found in $PATH'),
        ("126 exec: several\nlines", 126, "exec: several\nlines"),
        ("the monitor ended with status 137", 125, "the guest was killed before its program was started"),
        ("the monitor ended with status 1", 125, "the monitor ended with status 1"),
    ],
)
def test_failed_starts_are_explained(text: str, code: int, said: str) -> None:
    failure = MicroRuntime(cgroup_parent="/none").explain(text)
    assert (failure.exit_code, str(failure)) == (code, said)


def test_programs_are_found_as_execvp_does(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    (second / "tool").touch(0o755)
    (first / "folder").mkdir()
    env = ("PATH=/nowhere", f"PATH={first}:{second}")
    assert find_program("tool", env) == f"{second}/tool"
    with pytest.raises(Refused) as nowhere:
        find_program("other", env)
    assert nowhere.value.code == 127
    with pytest.raises(Refused) as folder_found:
        find_program("folder", env)
    assert (folder_found.value.code, folder_found.value.text) == (126, 'exec: "folder": is a directory')


def test_reports_carry_orders_descriptors_and_refusals() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        report.send_order(ours, "/a/config", (0, 1, 2))
        child = Report(theirs.detach())
        path, stdio = child.order()
        assert path == "/a/config"
        child.master(stdio[0])
        kind, _, fd = report.receive(ours)
        assert kind == report.MASTER
        child.failed(Refused(126, "it is a folder"))
        assert report.receive(ours) == (report.FAILED, b"126 it is a folder", -1)
        assert report.receive(ours) == (b"", b"", -1)
        for number in (*stdio, fd):
            os.close(number)


def test_a_child_without_a_keeper_gets_no_orders() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    child = Report(theirs.detach())
    with pytest.raises(EOFError):
        child.order()
    with pytest.raises(BrokenPipeError):
        child.started()
    child.close()


def test_no_call_is_listed_twice_and_all_have_a_reason() -> None:
    named = [name for group in calls.GROUPS for name in group.calls]
    assert sorted(named) == sorted(set(named))
    assert all(group.reason for group in calls.GROUPS)


def test_the_page_on_security_names_every_call(pytestconfig: pytest.Config) -> None:
    page = (pytestconfig.rootpath / "docs" / "security.md").read_text()
    assert [name for name in sorted(calls.allowed()) if f"`{name}`" not in page] == []
