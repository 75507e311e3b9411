"""The command as a whole: in a process of its own, against a daemon that plays one guest."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import wirt
from wirt.client.frames import EXIT, STDERR, STDOUT, encode_frame

SOURCE = str(Path(wirt.__file__).parent.parent)
START = f"import sys; sys.path.append({SOURCE!r}); from wirt.cli.main import launch; launch()"
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nWirt-Guest: abc\r\n\r\n"


def command(*words: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-IS", "-c", START, *words], capture_output=True, text=True, check=False, **how
    )  # type: ignore[call-overload,no-any-return]


def exited(code: int) -> bytes:
    return encode_frame(EXIT, struct.pack(">i", code))


def test_run_shows_output_and_leaves_with_the_guest_s_code(daemon, tmp_path: Path) -> None:
    daemon.answers["POST /v1/guests/run"] = (
        UPGRADED + encode_frame(STDOUT, b"out\n") + encode_frame(STDERR, b"err\n") + exited(7)
    )
    done = command("run", "--rm", "--cidfile", str(tmp_path / "id"), "busybox", "ls", "-l")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    assert (tmp_path / "id").read_text() == "abc"
    assert daemon.last.headers["upgrade"] == "wirt"
    assert daemon.last.body == {
        "spec": {"auto_remove": True, "image": "busybox", "command": ["ls", "-l"]},
        "stdin": False, "stdout": True, "stderr": True, "rows": 0, "cols": 0, "detach_keys": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "streams"),
    [
        ([], (False, True, True)),
        (["-i"], (True, True, True)),
        (["-a", "stderr"], (False, False, True)),
        (["-i", "-a", "stdin", "-a", "stdout"], (True, True, False)),
    ],
)
def test_run_attaches_what_was_asked_for(daemon, flags: list[str], streams: tuple[bool, bool, bool]) -> None:
    daemon.answers["POST /v1/guests/run"] = UPGRADED + exited(0)
    assert command("run", *flags, "busybox", input="").returncode == 0
    body = daemon.last.body
    assert (body["stdin"], body["stdout"], body["stderr"]) == streams


def test_exec_and_start_leave_with_their_program_s_code(daemon) -> None:
    daemon.answers |= {
        "POST /v1/guests/a/exec": UPGRADED + exited(3),
        "GET /v1/guests/a": {"config": {"tty": False, "open_stdin": True}, "state": {"status": "running"}},
        "POST /v1/guests/a/attach": UPGRADED + exited(4),
    }
    assert command("exec", "-w", "/src", "a", "make", "-j", "2").returncode == 3
    assert daemon.last.body == {
        "spec": {"workdir": "/src", "command": ["make", "-j", "2"]}, "rows": 0, "cols": 0, "detach_keys": "",
    }  # fmt: skip
    assert command("start", "-ai", "a", input="").returncode == 4
    assert daemon.last.body["start"] is True
    assert daemon.last.body["stdin"] is True
    assert command("attach", "--no-stdin", "a").returncode == 4
    assert daemon.last.body["stdin"] is False


def test_attach_wants_a_guest_that_runs(daemon) -> None:
    daemon.answers["GET /v1/guests/a"] = {"config": {"tty": False}, "state": {"status": "exited"}}
    done = command("attach", "a")
    assert (done.returncode, done.stderr) == (125, "wirt: guest a is exited\nhint: start it: wirt start -a a\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "-it", "busybox"],
         "wirt: the input device is not a TTY\nhint: without -t, input may come from a pipe or a file\n"),
        (["run", "-d", "-a", "stdin", "busybox"], "wirt: --attach conflicts with --detach\nSee 'wirt run --help'.\n"),
        (["start", "-a", "a", "b"], "wirt: only one guest can be attached to\nSee 'wirt start --help'.\n"),
        (["cp", "a", "b"], "wirt: cannot copy a to b: neither is in a guest\nSee 'wirt cp --help'.\n"),
        (["cp", "a:/x", "b:/x"], "wirt: cannot copy /x to /x: both are in guests\nSee 'wirt cp --help'.\n"),
        (["update", "a"], "wirt: nothing to change: name at least one limit\nSee 'wirt update --help'.\n"),
        (["--foo", "ps"], "wirt: unknown flag: --foo\nSee 'wirt --help'.\n"),
        (["-H"], "wirt: flag needs an argument: -H\nSee 'wirt --help'.\n"),
        (["-H", "http://x", "ps"],
         "wirt: 'http://x' is not an address of a host\nhint: write unix:///path/to/socket or tcp://name:port\n"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_before_the_daemon_is_asked(daemon, words: list[str], message: str) -> None:
    done = command(*words, input="")
    assert (done.returncode, done.stderr) == (125, message)
    assert daemon.asked == []


def test_failed_run_leaves_no_id_file(daemon, tmp_path: Path) -> None:
    done = command("run", "--cidfile", str(tmp_path / "id"), "busybox")
    assert (done.returncode, done.stderr) == (125, "wirt: no such thing\nhint: look elsewhere\n")
    assert not (tmp_path / "id").exists()


def test_host_flag_beats_the_environment(daemon, tmp_path: Path) -> None:
    daemon.answers["GET /v1/guests"] = []
    where = os.environ["WIRT_HOST"]
    env = {**os.environ, "WIRT_HOST": f"unix://{tmp_path}/none"}
    assert command("-H", where, "ps", "-q", env=env).returncode == 0
    assert command(f"--host={where}", "ps", "-q", env=env).returncode == 0
    done = command("ps", env=env)
    assert done.returncode == 125
    assert done.stderr.startswith(f"wirt: no daemon answers at unix://{tmp_path}/none: No such file or directory\n")


def test_output_nobody_reads_ends_the_command_quietly(daemon) -> None:
    daemon.answers["GET /v1/guests"] = []
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-IS", "-c", START, "ps"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_not_get_mixed_up_with_the_connection(daemon, closed: str) -> None:
    daemon.answers["POST /v1/guests/run"] = UPGRADED + encode_frame(STDOUT, b"out\n" * 10_000) + exited(7)
    line = f'exec "$0" -IS -c "$1" run -i busybox {closed}'
    done = subprocess.run(["sh", "-c", line, sys.executable, START], capture_output=True, check=False)
    assert done.returncode == 7
    assert len(done.stdout) in (0, 40_000)


HEAVY = {"json", "re", "enum", "typing", "collections", "dataclasses", "socket", "signal", "functools", "subprocess",
         "contextlib", "pathlib", "inspect", "importlib", "argparse", "locale", "datetime", "shutil"}  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--rm", "--network=none", "busybox", "true"],
        ["run", "-d", "-e", "A=1", "-p", "80:80", "-v", "/a:/b", "-m", "64m", "busybox"],
        ["exec", "a", "true"],
        ["start", "a"],
        ["stop", "a"],
        ["rm", "-f", "a"],
        ["ps", "-a"],
        ["images"],
    ],
    ids=" ".join,
)
def test_hot_verbs_import_next_to_nothing(daemon, words: list[str]) -> None:
    daemon.answers |= {
        "POST /v1/guests/run": UPGRADED + exited(0) if "-d" not in words else {"id": "x"},
        "POST /v1/guests/a/exec": UPGRADED + exited(0),
        "POST /v1/guests/a/start": 204,
        "POST /v1/guests/a/stop": 204,
        "DELETE /v1/guests/a": 204,
        "GET /v1/guests": [],
        "GET /v1/images": [],
    }
    script = f"import sys; sys.path.append({SOURCE!r}); import wirt.cli.main as m; code = m.main({words!r})"
    script += "; print(code, *sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-IS", "-c", script], capture_output=True, text=True, check=True)
    code, *loaded = done.stderr.split()
    assert code == "0"
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    assert not [name for name in loaded if name.startswith("wirt.model")]


LAUNCHER = Path(SOURCE).parent / "packaging" / "wirt"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The bin folder of an environment as pip lays one out: the launcher, Python, and the package a .pth file names."""
    site = tmp_path / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    site.mkdir(parents=True)
    (site / "__editable__.wirt-0.1.0.pth").write_text(SOURCE + "\n")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(sys.executable)
    shutil.copy(LAUNCHER, folder / "wirt")
    return folder


@pytest.mark.skipif(not LAUNCHER.exists(), reason="not a checkout: packaging/wirt is missing")
def test_launcher_starts_from_anywhere(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(installed / "wirt")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "again").symlink_to("../link")
    ways = ([str(installed / "wirt")], [str(tmp_path / "link")], [str(tmp_path / "other" / "again")], ["./wirt"])
    for way in ways:
        done = subprocess.run([*way, "--version"], cwd=installed, capture_output=True, text=True, check=True)
        assert re.fullmatch(r"wirt [\d.]+\n", done.stdout)


@pytest.mark.skipif(not LAUNCHER.exists(), reason="not a checkout: packaging/wirt is missing")
def test_launcher_passes_its_arguments_on_as_they_are(daemon, installed: Path) -> None:
    daemon.answers["POST /v1/guests/run"] = UPGRADED + exited(5)
    arguments = ["a b", "", "*", "$HOME", "'\"", "-x"]
    done = subprocess.run([installed / "wirt", "run", "busybox", *arguments], check=False)
    assert done.returncode == 5
    assert daemon.last.body["spec"]["command"] == arguments


def test_package_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "wirt", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"wirt {wirt.__version__}\n"
