"""Containers start as asked, and say why when they cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from framework.containers import ContainerHost, Program
from wirt import errors

pytestmark = pytest.mark.root


@pytest.mark.parametrize("code", [0, 7, 255])
def test_exit_code_is_the_programs(host: ContainerHost, code: int) -> None:
    assert host.run("sh", "-c", f"exit {code}")[0] == code


def test_streams_are_the_programs(host: ContainerHost) -> None:
    status, out, err = host.run("sh", "-c", "cat; echo bad >&2", text="good\n")
    assert (status, out, err) == (0, "good\n", "bad\n")


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("foo", 127, 'exec: "foo": executable file not found in $PATH'),
        ("/bin/foo", 127, 'exec: "/bin/foo": stat /bin/foo: no such file or directory'),
        ("/etc", 126, 'exec: "/etc": permission denied'),
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'),
    ],
)
def test_what_cannot_be_started_is_told_as_docker_does(
    host: ContainerHost, command: str, code: int, words: str
) -> None:
    with host.started(command) as (guest, program):
        assert program.failed
        error = host.runtime.explain(program.complaint, command)
        assert (error.exit_code, str(error)) == (code, words)
    assert host.traces(guest.id) == []


def test_environment_and_names(host: ContainerHost) -> None:
    out = host.ok(
        "sh", "-c", "hostname; echo $HOSTNAME; echo $HOME; echo $PATH; echo $A", env=("A=b c",), hostname="name"
    )
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert out.split("\n") == ["name", "name", "/root", path, "b c"]


def test_domain_name(host: ContainerHost) -> None:
    assert host.ok("cat", "/proc/sys/kernel/domainname", domainname="example.test") == "example.test"


@pytest.mark.parametrize("read_only", [False, True])
def test_a_missing_workdir_is_made(host: ContainerHost, read_only: bool) -> None:
    assert host.ok("pwd", workdir=f"/srv/made-{read_only}/deep", read_only=read_only) == f"/srv/made-{read_only}/deep"


def test_a_workdir_that_is_a_file_is_told(host: ContainerHost) -> None:
    with host.started("true", workdir="/etc/passwd") as (_, program):
        error = host.runtime.explain(program.complaint, "true")
        assert str(error) == 'the working directory "/etc/passwd" cannot be entered: not a directory'


@pytest.mark.parametrize(
    ("user", "ids", "groups"),
    [("", "0 0", "0"), ("bob", "1000 1001", "29 77 1001"), ("4242:29", "4242 29", "29 77"), ("4242", "4242 0", "0 77")],
)
def test_user_and_groups(host: ContainerHost, user: str, ids: str, groups: str) -> None:
    script = "echo $(id -u) $(id -g); grep Groups /proc/self/status"
    out = host.ok("sh", "-c", script, user=user, group_add=("77",) if user else ())
    assert " ".join(out.split()) == f"{ids} Groups: {groups}"


def test_an_unknown_user_is_told_before_anything_starts(host: ContainerHost) -> None:
    launch = host.launch("true", user="nobody2")
    with pytest.raises(errors.InvalidInput, match="unable to find user nobody2"):
        host.runtime.prepare(launch)
    assert host.traces(launch.guest.id) == []


def test_init_comes_before_the_command(host: ContainerHost, tmp_path: Path) -> None:
    init = tmp_path / "init"
    init.write_text('#!/bin/sh\necho "init $1 $$"\nshift\nexec "$@"\n')
    init.chmod(0o755)
    assert host.ok("echo", "hello", launch={"init_path": str(init)}) == "init -- 1\nhello"


def test_a_terminal_comes_through_the_console_socket(host: ContainerHost) -> None:
    with host.started("sh", "-c", "tty; stty size; echo $TERM; read line; echo got $line", tty=True) as (_, program):
        assert "/dev/pts/0\r\n" in program.read_until("xterm")
        program.write("typed\r")
        assert "got typed" in program.read_until("got typed")
        assert program.wait() == 0


def test_first_process_is_on_the_host_what_the_plan_says(host: ContainerHost) -> None:
    with host.started("cat") as (guest, program):
        status = Path(f"/proc/{program.pid}/status").read_text()
        assert f"NSpid:\t{program.pid}\t1\n" in status
        assert host.runtime.pids(guest.id) == [program.pid]


def test_a_start_over_the_remains_of_a_crash(host: ContainerHost) -> None:
    with host.started("true") as (guest, program):
        assert program.wait() == 0
        assert host.traces(guest.id)  # nobody deleted it
        launch = host.launch("echo", "again")
        again = Program(host.runtime.prepare(replace(launch, guest=replace(launch.guest, id=guest.id))))
        out, _ = again.output()
        assert (again.wait(), out) == (0, "again\n")
        again.close()


def test_a_start_over_a_running_guest_is_refused(host: ContainerHost) -> None:
    with host.started("cat") as (guest, program):
        launch = host.launch("true")
        with pytest.raises(errors.Conflict, match="still runs"):
            host.runtime.prepare(replace(launch, guest=replace(launch.guest, id=guest.id)))
        assert host.runtime.pids(guest.id) == [program.pid]
