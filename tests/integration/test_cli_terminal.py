"""Guests on a terminal: what a person at the keyboard sees and types, through a pseudo-terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from framework.instance import Instance
from framework.keyboard import Keyboard


@pytest.fixture
def keyboard(host: Instance) -> Iterator[type]:
    """``keyboard(*words)``; guests are removed afterwards."""
    made: list[Keyboard] = []

    def start(*words: str) -> Keyboard:
        made.append(Keyboard(host, *words))
        return made[-1]

    yield start
    for each in made:
        each.close()
    if guests := host.ok("ps", "-aq").split():
        host.ok("rm", "-f", *guests)


def test_shell_on_a_terminal(keyboard) -> None:
    shell = keyboard("run", "--rm", "-it", "busybox", "sh")
    shell.until("# ")
    shell.type("stty size; tty\r")
    shell.until(r"24 80\r\n/dev/\S+\r\n.*# ")
    shell.type("exit 7\r")
    assert shell.exit_code() == 7
    assert shell.restored


def test_keys_go_to_the_guest(keyboard) -> None:
    shell = keyboard("run", "--rm", "-it", "busybox", "sh")
    shell.until("# ")
    shell.type("echo go; sleep 1000\r")
    shell.until("go\r\n")  # until then the shell has the terminal in a mode of its own
    shell.type("\x03")
    shell.until("# ")
    shell.type("echo code $?\r")
    shell.until("code 130\r\n.*# ")
    shell.type("\x04")
    assert shell.exit_code() == 0


def test_window_size_follows_ours(keyboard) -> None:
    shell = keyboard(
        "run",
        "--rm",
        "-it",
        "busybox",
        "sh",
        "-c",
        "trap 'stty size; exit' WINCH; echo up; while :; do sleep 0.1; done",
    )
    shell.until("up")
    shell.resize(50, 132)
    shell.until("50 132")
    assert shell.exit_code() == 0


@pytest.mark.parametrize("words", [("run", "--rm"), ("run", "--rm", "--micro"), ("exec", "m")], ids=str)
def test_terminal_has_its_size_from_the_start(keyboard, host: Instance, words: tuple[str, ...]) -> None:
    """A program that starts is not told that the window has changed."""
    verb, *rest = words
    if verb == "exec":
        host.ok("run", "-d", "--name", *rest, "--micro", "busybox", "sleep", "1000")
    command = ["sh", "-c", "trap 'echo changed' WINCH; stty size; sleep 0.2; stty size"]
    image = ["busybox"] if verb == "run" else []
    program = keyboard(verb, "-it", *rest, *image, *command)
    assert program.until(r"(?s)24 80.*24 80\r\n") == "24 80\r\n24 80\r\n"
    assert program.exit_code() == 0


def test_size_reaches_a_program_executed_in_a_container(keyboard, host: Instance) -> None:
    """crun's ``exec`` sets it when it has let the program go, which may therefore see it a moment late."""
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "1000")
    program = keyboard(
        "exec", "-it", "g", "sh", "-c", "until [ \"$(stty size)\" = '24 80' ]; do sleep 0.1; done; echo arrived"
    )
    program.until("arrived")
    assert program.exit_code() == 0


def test_detach_keys_leave_the_guest_running(keyboard, host: Instance) -> None:
    first = keyboard("run", "-it", "--name", "shell", "busybox", "sh")
    first.until("# ")
    first.type("\x10\x11")
    assert first.exit_code() == 0
    assert first.restored
    assert host.ok("inspect", "-f", "{{.State.Status}}", "shell") == "running"
    second = keyboard("attach", "--detach-keys", "ctrl-x,x", "shell")
    second.type("\recho again\r")
    second.until(r"again\r\nagain|again\r\n.*again")
    second.type("\x18x")
    assert second.exit_code() == 0
    third = keyboard("attach", "shell")
    third.type("\rexit 3\r")
    assert third.exit_code() == 3


def test_exec_on_a_terminal(keyboard, host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "1000")
    shell = keyboard("exec", "-it", "-e", "GREETING=hi", "g", "sh")
    shell.until("# ")
    shell.type("echo $GREETING $TERM; stty size; exit 5\r")
    shell.until(r"hi xterm\r\n24 80\r\n")
    assert shell.exit_code() == 5


def test_start_with_a_terminal(keyboard, host: Instance) -> None:
    host.ok("create", "-it", "--name", "g", "busybox", "sh")
    shell = keyboard("start", "-ai", "g")
    shell.until("# ")
    shell.type("exit 6\r")
    assert shell.exit_code() == 6


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_terminal_is_restored_when_the_command_is_ended(keyboard, host: Instance, number: int) -> None:
    shell = keyboard("run", "-it", "--name", "g", "busybox", "sh")
    shell.until("# ")
    assert not shell.restored
    shell.signal(number)
    assert shell.exit_code() == 128 + number
    assert shell.restored
    assert host.ok("inspect", "-f", "{{.State.Status}}", "g") == "running"


def test_interrupts_are_passed_on_and_the_third_leaves(keyboard, host: Instance) -> None:
    running = keyboard(
        "run", "--name", "g", "busybox", "sh", "-c", "trap 'echo caught' INT; echo up; while :; do sleep 0.1; done"
    )
    running.until("up")
    for _ in range(2):
        running.type("\x03")
        running.until("caught")
    running.type("\x03")
    running.until("goes on; end it with: wirt stop [0-9a-f]{12}")
    assert running.exit_code() == 130
    assert host.ok("inspect", "-f", "{{.State.Status}}", "g") == "running"


def test_stats_are_redrawn_until_interrupted(keyboard, host: Instance) -> None:
    host.ok("run", "-d", "--name", "g", "busybox", "sleep", "1000")
    stats = keyboard("stats")
    for _ in range(2):
        stats.until("CPU %")
        stats.until(r"\bg\b.*%")
    stats.type("\x03")
    assert stats.exit_code() == 130


def test_errors_are_coloured_for_people(keyboard) -> None:
    failed = keyboard("start", "nobody")
    failed.until(r"\x1b\[1;31mwirt:\x1b\[0m no such guest: nobody")
    assert failed.exit_code() == 125
