"""Words for people: sizes, times, tables, colours, errors."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.cli import human
from wirt.cli.errors import report
from wirt.cli.options import UsageError
from wirt.cli.style import plain
from wirt.cli.table import print_table
from wirt.errors import NotFound, StartFailed


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (1, "1B"), (999, "999B"), (1000, "1kB"), (4_264_000, "4.26MB"), (999_999, "1000kB"), (2.5e12, "2.5TB")],
)
def test_decimal_sizes(count: float, text: str) -> None:
    assert human.decimal_size(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0B"), (1023, "1023B"), (1024, "1KiB"), (23.54 * 2**30, "23.54GiB"), (1 << 20, "1MiB")]
)
def test_memory_sizes(count: float, text: str) -> None:
    assert human.memory_size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "Less than a second"), (1, "1 second"), (59.9, "59 seconds"), (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"), (3599, "59 minutes"), (3600, "About an hour"), (5400, "2 hours"), (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"), (13 * 86400, "13 days"), (14 * 86400, "2 weeks"), (60 * 86400, "2 months"),
        (729 * 86400, "24 months"), (731 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_durations_are_docker_s(seconds: float, text: str) -> None:
    assert human.duration(seconds) == text


def test_moments() -> None:
    assert human.ago(time.time() - 200) == "3 minutes ago"
    assert human.ago(time.time() + 60) == "Less than a second ago"
    assert human.ago(0) == human.date(0) == "N/A"


def test_names_and_ids_are_short() -> None:
    assert human.short_id("sha256:" + "ab" * 32) == "abababababab"
    assert human.familiar("docker.io/library/busybox:1") == "busybox:1"
    assert human.familiar("docker.io/me/x:1") == "me/x:1"
    assert human.familiar("quay.io/library/x:1") == "quay.io/library/x:1"


@given(st.text())
def test_plain_text_cannot_drive_a_terminal(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)


def test_table_is_as_wide_as_its_contents(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["A", "LONG HEADER", "C"], [["aaaa", "b", ""], ["a", "b", "c"]])
    assert capsys.readouterr().out == "A      LONG HEADER   C\naaaa   b\na      b             c\n"


def on_terminal(columns: int, script: str, **environment: str) -> str:
    """What ``script`` writes to a terminal so wide."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment}
    env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
    subprocess.run([sys.executable, "-c", script], stdout=theirs, env=env, check=True)
    text = os.read(ours, 65536).decode().replace("\r\n", "\n")
    os.close(theirs)
    os.close(ours)
    return text


ROWS = "['abababababab', 'x' * 50, 'short'], ['cdcdcdcdcdcd', 'y', 'z' * 40]"
TABLE = f"from wirt.cli.table import print_table; print_table(['ID', 'IMAGE', 'NAME'], [{ROWS}], cut=CUT)"


def test_table_fits_a_terminal() -> None:
    lines = on_terminal(60, TABLE.replace("CUT", "True"), NO_COLOR="1").splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("abababababab   xxxxx") and "\u2026" in lines[1] and lines[1].endswith("short")
    assert lines[2].endswith("z\u2026")


def test_table_is_shown_in_full_if_asked() -> None:
    assert "x" * 50 in on_terminal(60, TABLE.replace("CUT", "False"), NO_COLOR="1")


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colours_are_for_those_who_want_them(environment: dict[str, str], coloured: bool) -> None:
    assert ("\x1b[1m" in on_terminal(80, TABLE.replace("CUT", "True"), **environment)) == coloured


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (NotFound("no such\nguest: x", hint="look"), 125, "wirt: no such guest: x\nhint: look\n"),
        (StartFailed("not executable", exit_code=126), 126, "wirt: not executable\n"),
        (UsageError("unknown flag: -x", "image ls"), 125, "wirt: unknown flag: -x\nSee 'wirt image ls --help'.\n"),
        (KeyboardInterrupt(), 130, ""),
        (FileNotFoundError(2, "No such file", "/x"), 125, "wirt: /x: No such file\n"),
        (ConnectionResetError("cut off"), 125, "wirt: cut off\nhint: see whether it still runs: wirt info\n"),
    ],
)
def test_errors_are_a_line_and_a_code(
    error: BaseException, code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error) == code
    assert capsys.readouterr().err == text


def test_faults_of_our_own_are_shown_in_full_only_if_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("WIRT_DEBUG", raising=False)
    assert report(KeyError("x")) == 125
    assert capsys.readouterr().err.startswith("wirt: this is a fault of wirt's: KeyError: 'x'\nhint: WIRT_DEBUG=1")
    monkeypatch.setenv("WIRT_DEBUG", "1")
    with pytest.raises(KeyError):
        report(KeyError("x"))


PROGRESS = """
from wirt.cli.progress import finished
reports = [
    {"progress": {"task": "a", "text": "Unpacking [a]", "done": 500, "total": 1000, "unit": "bytes"}},
    {"progress": {"task": "b", "text": "Installing", "done": 3, "total": 7, "unit": "steps"}},
    {"image": "sha256:1", "names": ["a:1"]},
]
import sys
sys.stderr = sys.stdout
print(finished(reports, quiet=False))
"""


def test_progress_is_a_bar_for_every_task_on_a_terminal() -> None:
    text = on_terminal(80, PROGRESS)
    assert "Unpacking [a]" in text and "500B/1kB" in text
    assert "Installing" in text and "3/7" in text
    assert text.endswith("[('sha256:1', ['a:1'])]\n")
