"""Programs beside the guest's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from framework.containers import ContainerHost
from wirt import errors
from wirt.kinds import capabilities
from wirt.model.guest import ExecSpec

pytestmark = pytest.mark.root

DOCKERS_MASK = "00000000a80425fb"


def test_exec_sees_the_guest_from_within(host: ContainerHost) -> None:
    with host.started("cat", env=("A=1",), hostname="here") as (guest, _):
        status, out, err = host.execute(
            guest, "sh", "-c", "hostname; echo $A$B; cat; echo e >&2; exit 9", env=("B=2",), text="in\n"
        )
    assert (status, out, err) == (9, "here\n12\nin\n", "e\n")


def test_exec_shares_processes_and_cgroups(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _):
        _, out, _ = host.execute(guest, "cat", "/proc/1/cmdline", "/proc/self/cgroup")
        assert out.startswith("cat\0")
        assert all(
            line.endswith((f"{host.parent}/{guest.id}", ":/")) for line in out.split("\0")[-1].split("\n") if line
        )
        assert f"{host.parent}/{guest.id}" in out or "0::/" in out


@pytest.mark.parametrize(
    ("members", "who"),
    [
        ({}, "1000 1001 /home/bob /tmp"),
        ({"user": "root"}, "0 0 /root /tmp"),
        ({"user": "4242:29", "workdir": "/etc"}, "4242 29 / /etc"),
    ],
)
def test_exec_runs_as_the_guest_or_as_told(host: ContainerHost, members: dict[str, str], who: str) -> None:
    with host.started("cat", user="bob", workdir="/tmp") as (guest, _):
        _, out, _ = host.execute(guest, "sh", "-c", "echo $(id -u) $(id -g) $HOME $PWD", **members)
    assert out.strip() == who


def test_exec_is_behind_the_guests_walls(host: ContainerHost) -> None:
    with host.started("cat", security_opt=("no-new-privileges",)) as (guest, _):
        _, out, _ = host.execute(guest, "grep", "-E", "CapBnd|CapEff|Seccomp:|NoNew", "/proc/self/status")
        words = dict(line.split(":\t") for line in out.splitlines())
        assert words == {"CapBnd": DOCKERS_MASK, "CapEff": DOCKERS_MASK, "Seccomp": "2", "NoNewPrivs": "1"}
        status, _, err = host.execute(guest, "unshare", "-U", "true")
        assert status != 0
        assert "not permitted" in err


def test_privileged_exec_holds_every_capability(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _):
        _, out, _ = host.execute(guest, "grep", "CapEff", "/proc/self/status", privileged=True)
        mask = int(out.split()[1], 16)
        assert bin(mask).count("1") == len(capabilities.available())


def test_exec_has_a_terminal_of_its_own(host: ContainerHost) -> None:
    script = "tty; echo $TERM; read line; echo got $line"
    with (
        host.started("cat") as (guest, _),
        host.executed(guest, ExecSpec(command=("sh", "-c", script), tty=True)) as shell,
    ):
        assert "/dev/pts/" in shell.read_until("xterm")
        shell.write("typed\r")
        shell.read_until("got typed")
        assert shell.wait() == 0


@pytest.mark.parametrize(
    ("command", "members", "code", "words"),
    [
        ("foo", {}, 127, 'exec: "foo": executable file not found in $PATH'),
        ("/bin/foo", {}, 127, 'exec: "/bin/foo": stat /bin/foo: no such file or directory'),
        ("/etc/passwd", {}, 126, 'exec: "/etc/passwd": permission denied'),
        ("/etc", {}, 126, 'exec: "/etc": '),
        ("true", {"workdir": "/nowhere"}, 126, 'the working directory "/nowhere" cannot be entered: no such file'),
    ],
)
def test_what_cannot_be_executed_is_told(
    host: ContainerHost, command: str, members: dict[str, str], code: int, words: str
) -> None:
    with host.started("cat") as (guest, _), host.executed(guest, ExecSpec(command=(command,), **members)) as program:
        assert program.failed
        error = host.runtime.explain(program.complaint, command)
        assert error.exit_code == code
        assert str(error).startswith(words)


def test_exec_for_nobody_is_refused(host: ContainerHost) -> None:
    with host.started("cat") as (guest, _), pytest.raises(errors.InvalidInput, match="unable to find user nobody2"):
        host.execute(guest, "true", user="nobody2")


def test_exec_in_a_guest_that_ended_is_refused(host: ContainerHost) -> None:
    with host.started("true") as (guest, program):
        assert program.wait() == 0
        host.runtime.delete(guest.id)
        with pytest.raises(errors.Conflict, match="is not running"):
            host.execute(replace(guest, pid=program.pid), "true")


def test_execs_end_with_their_guest(host: ContainerHost) -> None:
    with host.started("cat") as (guest, program), host.executed(guest, ExecSpec(command=("cat",))) as other:
        host.runtime.kill(guest, "KILL")
        assert program.wait() == 137
        assert other.wait() == 137
