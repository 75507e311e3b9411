"""Timing commands in turn, and printing what came out.

Commands are taken in turn (A B C, B C A, ...) within one run, so that whatever else the machine does falls on all of
them alike. A time is from just before posix_spawn(3) to just after wait4(2): the whole command as a person types it.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["Command", "Row", "Subject", "in_turn", "record", "show", "spread"]

RESULTS = Path(__file__).parent / "results"


class Subject(Protocol):
    """What can be timed, under a label for the table."""

    @property
    def label(self) -> str: ...

    def time(self, turn: int) -> float:
        """Does it once and gives the milliseconds it took; ``turn`` differs every time."""


@dataclass(frozen=True, slots=True)
class Command:
    """A whole command. ``env`` is added to the environment; with ``unique``, "@" in arguments becomes a fresh name."""

    label: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    unique: bool = False

    def time(self, turn: int) -> float:
        """Its output is dropped, and a failure ends the benchmark with its words."""
        argv = [word.replace("@", f"b{turn}") for word in self.argv] if self.unique else list(self.argv)
        quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
        environment = {**os.environ, **self.env}
        start = time.perf_counter()
        pid = os.posix_spawnp(argv[0], argv, environment, file_actions=quiet)
        _, status, _ = os.wait4(pid, 0)
        elapsed = (time.perf_counter() - start) * 1000
        if status:
            again = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
            code = os.waitstatus_to_exitcode(status)
            sys.exit(f"bench: {' '.join(argv)}: status {code}; once more: {again.stderr.strip()}")
        return elapsed


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. Milliseconds."""

    label: str
    median: float
    p10: float
    p90: float
    rounds: int


def in_turn(subjects: Sequence[Subject], rounds: int, warm_up: int = 2) -> list[Row]:
    """Every subject ``rounds`` times, in turn, after ``warm_up`` rounds that do not count."""
    times: dict[str, list[float]] = {subject.label: [] for subject in subjects}
    for turn in range(-warm_up, rounds):
        shift = turn % len(subjects)
        for subject in (*subjects[shift:], *subjects[:shift]):
            elapsed = subject.time(turn + warm_up)
            if turn >= 0:
                times[subject.label].append(elapsed)
        _tell(f"\rround {turn + 1}/{rounds} ")
    _tell("\r" + " " * 20 + "\r")
    return [spread(label, values) for label, values in times.items()]


def spread(label: str, values: Sequence[float]) -> Row:
    """Median and the tenth and ninetieth percentiles."""
    tenths = statistics.quantiles(values, n=10, method="inclusive") if len(values) > 1 else [values[0]] * 9
    return Row(label, statistics.median(values), tenths[0], tenths[-1], len(values))


def show(title: str, rows: Sequence[Row], ratio: Callable[[Row], str] = lambda _: "") -> None:
    """A table for a person; ``ratio`` adds a last column."""
    print(f"\n{title}\n")
    print(f"  {'':<32} {'median':>9} {'p10':>9} {'p90':>9}")
    for row in rows:
        cells = f"{row.median:>6.1f} ms {row.p10:>6.1f} ms {row.p90:>6.1f} ms"
        print(f"  {row.label:<32} {cells}  {ratio(row)}".rstrip())


def record(subject: str, rows: Sequence[dict[str, object]]) -> None:
    """One JSON line with the date, the host and ``rows``, added to ``bench/results/<subject>.jsonl``."""
    RESULTS.mkdir(exist_ok=True)
    line = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "host": _host(), "rows": list(rows)}
    with (RESULTS / f"{subject}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _host() -> dict[str, object]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}


def _tell(text: str) -> None:
    """Progress, only where a person looks."""
    if sys.stderr.isatty():
        sys.stderr.write(text)
        sys.stderr.flush()
