"""``wirt stats``: what guests use, once or as it changes."""

from __future__ import annotations

import sys

from wirt.cli.human import decimal_size, memory_size, short_id
from wirt.cli.listing import FORMAT, NO_TRUNC, Column, show
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.style import is_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "stats",
    "Show what guests use of processors, memory, network and disk",
    args="[GUEST...]",
    flags=(
        Flag("no-stream", "", "switch", "once, not every second"),
        FORMAT,
        NO_TRUNC,
    ),
    examples=(
        ("wirt stats", "all that run, as it changes; Ctrl-C ends it"),
        ("wirt stats --no-stream --format '{{.Name}} {{.CPUPerc}}' web", "one number, now"),
    ),
)

_COLUMNS = (
    Column("ID", "GUEST ID", lambda row: short_id(row["id"]), full="id"),
    Column("Name", "NAME", "name"),
    Column("CPUPerc", "CPU %", lambda row: f"{row['cpu_percent']:.2f}%"),
    Column("MemUsage", "MEM USAGE / LIMIT", lambda row: _of(row["memory_usage"], row["memory_limit"])),
    Column("MemPerc", "MEM %", lambda row: f"{_percent(row['memory_usage'], row['memory_limit']):.2f}%"),
    Column("NetIO", "NET I/O", lambda row: _both(row["net_rx"], row["net_tx"])),
    Column("BlockIO", "BLOCK I/O", lambda row: _both(row["block_read"], row["block_write"])),
    Column("PIDs", "PIDS", "pids"),
)
_SHOWN = tuple(column.name for column in _COLUMNS)


def run(call: Call) -> None:
    live = is_terminal(sys.stdout) and not call["no-stream"] and not call["format"]
    before: dict[str, Any] = {}
    for samples in _samples(call):
        rows = [{**sample, "cpu_percent": _cpu_percent(before.get(sample["id"]), sample)} for sample in samples]
        first = not before
        before = {sample["id"]: sample for sample in samples}
        if first and samples:  # a share of time needs two samples
            continue
        if live:
            print("\x1b[H\x1b[J", end="")
        show(call, rows, _COLUMNS, _SHOWN)
        sys.stdout.flush()
        if call["no-stream"]:
            return


def _samples(call: Call) -> Iterator[list[dict[str, Any]]]:
    return call.transport.follow("GET", "/v1/guests/stats", query={"stream": True, "ref": call.args})


def _cpu_percent(before: dict[str, Any] | None, now: dict[str, Any]) -> float:
    """Of one processor, as Docker counts: 200 is two processors busy."""
    if before is None:
        return 0.0
    host = now["cpu_system_seconds"] - before["cpu_system_seconds"]
    used = now["cpu_seconds"] - before["cpu_seconds"]
    return max(0.0, used / host * now["cpus_online"] * 100) if host > 0 else 0.0


def _percent(part: int, whole: int) -> float:
    return part / whole * 100 if whole else 0.0


def _both(received: int, sent: int) -> str:
    return f"{decimal_size(received)} / {decimal_size(sent)}"


def _of(part: int, whole: int) -> str:
    return f"{memory_size(part)} / {memory_size(whole)}" if whole else memory_size(part)
