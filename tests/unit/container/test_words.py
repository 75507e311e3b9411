"""What runtimes say, and what a person reads. The sayings are runc 1.1's and crun 1.8's own."""

from __future__ import annotations

import json

import pytest

from wirt.container.words import complaint, explain

RUNC = "runc run failed: unable to start container process: "


def logged(message: str) -> str:
    return json.dumps({"level": "error", "msg": message, "time": "2026-01-01T00:00:00Z"})


IN_PATH = 'exec: "foo": executable file not found in $PATH'
NOT_THERE = 'exec: "/foo": stat /foo: no such file or directory'
DENIED = 'exec: "/etc": permission denied'
FORMAT = 'exec: "/bin/bad": exec format error'
NO_FOLDER = 'the working directory "/x" cannot be entered: no such file or directory'
NOT_FOLDER = 'the working directory "/x" cannot be entered: not a directory'
TOO_LOW = "the memory limit is too low for the guest to start"
DIED = "the guest died before its program was started"
CHDIR = 'chdir to cwd ("/x") set in config.json failed: no such file or directory'
LIMIT = "error during container init: x: unable to set memory limit to 4096 (current usage: 1, peak usage: 2)"


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (logged(RUNC + IN_PATH), 127, IN_PATH),
        ("executable file `foo` not found in $PATH: No such file or directory", 127, IN_PATH),
        (logged(RUNC + NOT_THERE), 127, NOT_THERE),
        ("executable file `/foo` not found in $PATH: No such file or directory", 127, NOT_THERE),
        (logged(RUNC + DENIED), 126, DENIED),
        ("open executable: Operation not permitted", 126, DENIED),
        ("open executable: Permission denied", 126, DENIED),
        (logged('exec failed: exec: "/etc": is a directory'), 126, 'exec: "/etc": is a directory'),
        ("exec /bin/bad: exec format error", 126, FORMAT),
        ("exec container process `/bin/bad`: Exec format error", 126, FORMAT),
        (
            "exec container process (missing dynamic library?) `/bin/bad`: No such file or directory",
            126,
            'exec: "/bin/bad": no such file or directory',
        ),
        (logged("exec failed: unable to start container process: " + CHDIR), 126, NO_FOLDER),
        ("chdir `/x`: Not a directory", 126, NOT_FOLDER),
        (logged(RUNC + "error during container init: mkdir /x: not a directory"), 126, NOT_FOLDER),
        (logged(RUNC + LIMIT), 125, TOO_LOW),
        ("OOM: the memory limit could be too low: read from sync socket: Connection reset by peer", 125, TOO_LOW),
        (logged("runc run failed: container process is already dead"), 125, DIED),
        ("mount `/tmp` to `etc/x`: Not a directory", 125, "mount `/tmp` to `etc/x`: Not a directory"),
        ("writing file `cpuset.cpus`: Numerical result", 125, "writing file `cpuset.cpus`: Numerical result"),
        ("", 125, "the container runtime failed and said nothing"),
    ],
)
def test_sayings_become_dockers(said: str, code: int, words: str) -> None:
    error = explain(said, "/etc")
    assert (error.exit_code, str(error)) == (code, words)


def test_the_last_error_counts() -> None:
    log = "\n".join(
        (logged("first"), json.dumps({"level": "warning", "msg": "a warning"}), logged(RUNC + "second"), "")
    )
    assert complaint(log) == "second"
    assert complaint('{"level":"warning","msg":"only a warning"}') == "only a warning"
    assert complaint("plain\nlast line") == "last line"
    assert complaint("{not json") == "{not json"


def test_every_error_is_one_line() -> None:
    assert "\n" not in str(explain("one\ntwo\nthree"))


@pytest.mark.parametrize(
    "said",
    ["mount `/a` to `b`: Not a directory", "OOM: the memory limit could be too low: x", "x: No space left on device"],
)
def test_errors_with_a_cure_say_it(said: str) -> None:
    assert explain(said).hint
