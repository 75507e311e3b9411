"""A trace as text: lines, pictures, sums."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from wirt.cli.options import UsageError
from wirt.cli.tracing import Lines, Raw, Summary, elapsed
from wirt.cli.verbs import trace


def entry(kind: str = "call", **more: Any) -> dict[str, Any]:
    usual = {
        "kind": kind,
        "time": 1.0,
        "pid": 1,
        "tid": 1,
        "program": "ls",
        "name": "read",
        "arguments": "0",
        "result": 3,
        "outcome": "= 3",
        "seconds": 12e-6,
        "user": 30e-6,
        "rip": 0x401000,
        "inside": False,
        "steps": [],
        "lost": 0,
    }
    return {**usual, **more}


def lines(*entries: dict[str, Any], steps: bool = False) -> list[str]:
    out = io.StringIO()
    view = Lines(out, steps=steps)
    for each in entries:
        view.show(each) if each["kind"] != "idle" else view.idle()
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 us"), (1.26e-6, "1.3 us"), (142e-6, "142 us"), (0.0095, "9.5 ms"), (0.2, "200 ms"), (1.5, "1.50 s")],
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


def test_call_is_a_line() -> None:
    assert lines(entry()) == ["read(0) = 3 <12 us>"]
    assert lines(entry(name="getpid", arguments="", inside=True)) == ["getpid() = 3 <12 us, inside>"]
    assert lines(entry(name="exit", result=None, outcome="= ?", seconds=0.0)) == ["exit(0) = ?"]


def test_threads_are_named_where_there_are_several() -> None:
    assert lines(entry(), entry(tid=12), entry()) == [
        "read(0) = 3 <12 us>",
        "[ 12] read(0) = 3 <12 us>",
        "[  1] read(0) = 3 <12 us>",
    ]


def test_call_that_takes_its_time_is_shown_before_it_is_over() -> None:
    begun, idle = entry("enter"), entry("idle")
    assert lines(begun, entry()) == ["read(0) = 3 <12 us>"]
    assert lines(begun, idle, idle, entry(), entry()) == [
        "read(0) <unfinished ...>",
        "<... resumed> read(0) = 3 <12 us>",
        "read(0) = 3 <12 us>",
    ]


def test_what_else_happens_has_lines_of_its_own() -> None:
    assert lines(
        entry("begin", name="attach", arguments='"ls"', result=2),
        entry("signal", name="SIGINT", arguments="{}"),
        entry("fault", name="page fault", arguments="write at 0x1"),
        entry("end", outcome="exited with 3"),
    ) == [
        '=== "ls": traced from here on, 2 threads ===',
        "--- SIGINT {} ---",
        "--- page fault write at 0x1 ---",
        "+++ exited with 3 +++",
    ]


def test_losses_are_told() -> None:
    assert lines(entry(lost=7))[0].startswith("... 7 entries were lost")


def test_picture_leads_from_the_program_and_back() -> None:
    host = {"name": "openat", "result": 3, "began": 5e-6, "seconds": 4e-6}
    python = {"name": "os.stat", "result": None, "began": 9e-6, "seconds": 2e-6}
    shown = lines(entry(steps=[host, python]), steps=True)
    assert [line.lstrip(" |-`").partition("  ")[0] for line in shown[1:]] == [
        "user mode",
        "function library",
        "hypervisor",
        "monitor",
        "host",
        "python",
        "user mode",
    ]
    assert "0x401000" in shown[1]
    assert "openat = 3" in shown[5]
    assert "knows the answer" in lines(entry(inside=True), steps=True)[2]


def test_text_from_a_guest_cannot_upset_a_terminal() -> None:
    nasty = entry(name="\x1b[2J", arguments="\x1b", outcome="\x07", program="\x1b")
    assert all(line.isprintable() for line in lines(nasty, entry("end", outcome="\x1b"), steps=True))


def test_summary_counts_and_shares() -> None:
    view = Summary(io.StringIO())
    for _ in range(3):
        view.show(entry(seconds=100e-6, user=100e-6))
    view.show(entry(name="open", result=-2, seconds=100e-6, user=100e-6, lost=2))
    view.show(entry(name="getpid", inside=True, seconds=0.0, user=0.0))
    head, read, opened, pid, whole, _, user, monitor, inside, lost = view.lines()
    assert head.split() == ["%", "time", "total", "mean", "calls", "errors", "call"]
    assert read.split() == ["75.0", "300", "us", "100", "us", "3", "read"]
    assert opened.split() == ["25.0", "100", "us", "100", "us", "1", "1", "open"]
    assert pid.split()[-2:] == ["1", "getpid"]
    assert whole.split() == ["100.0", "400", "us", "80", "us", "5", "1", "all"]
    assert user.startswith("user mode 400 us (50 %)")
    assert monitor.startswith("monitor   400 us (50 %)")
    assert inside.startswith("inside    1 of 5 calls (20 %)")
    assert "2 entries" in lost


def test_summary_of_nothing() -> None:
    assert Summary(io.StringIO()).lines() == ["no calls"]


def test_raw_entries_are_json() -> None:
    out = io.StringIO()
    Raw(out).show(entry())
    assert json.loads(out.getvalue()) == entry()


def test_expressions_are_straces() -> None:
    assert trace.calls_of(["trace=open,read", "!futex,poll", "t=file"]) == [
        "open",
        "read",
        "!futex",
        "!poll",
        "file",
    ]
    with pytest.raises(UsageError, match="only trace="):
        trace.calls_of(["signal=none"])


def test_letters_are_straces() -> None:
    letters = [flag.short for flag in trace.VERB.flags if flag.short]
    assert len(letters) == len(set(letters))
    ours = {flag.name for flag in trace.VERB.flags if flag.short and flag.short in "ceo"}
    assert ours == {"summary", "expr", "output"}
