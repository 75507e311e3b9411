"""``wirt logs``: what a guest wrote."""

from __future__ import annotations

import os

from wirt.cli.options import Call, Flag, Verb
from wirt.client.frames import STDERR, FrameReader
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "logs",
    "Show what a guest wrote",
    args="GUEST",
    flags=(
        Flag("follow", "f", "switch", "go on with what it writes from now on"),
        Flag("since", "", "scalars.moment", "from this time on: 10m (ago), 2024-05-01T12:00:00Z, Unix seconds",
             metavar="time"),
        Flag("until", "", "scalars.moment", "up to this time", metavar="time"),
        Flag("tail", "n", "scalars.tail", "the last lines only", metavar="number"),
        Flag("timestamps", "t", "switch", "each line with the time it was written"),
    ),
    examples=(
        ("wirt logs -f --tail 20 web", "the last lines, and those to come"),
        ("wirt logs --since 1h web 2>/dev/null", "an hour's output, without its errors"),
    ),
)  # fmt: skip


def run(call: Call) -> None:
    query = {name: call[name] for name in ("follow", "since", "until", "tail", "timestamps")}
    reader = FrameReader()
    with call.transport.request("GET", path("guests", call.args[0], "logs"), query=query) as response:
        for data in response:
            for kind, piece in reader.feed(memoryview(data)):
                _write(2 if kind == STDERR else 1, piece)


def _write(fd: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(fd, piece) :]
