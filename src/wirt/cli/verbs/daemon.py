"""``wirt daemon``: becomes the daemon, in the foreground."""

from __future__ import annotations

import os
import sys

from wirt.cli.options import Call, Flag, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "daemon",
    "Run the daemon in the foreground",
    flags=(
        Flag("debug", "", "switch", "log more"),
        Flag("ready-fd", "", "scalars.count", "write a line to this descriptor once it listens", metavar="number"),
    ),
    about="Other commands start it by themselves in the background when they need it and find none.",
    examples=(("wirt daemon --debug", "to watch what it does"),),
)


def run(call: Call) -> None:
    words = ["-I", "-m", "wirt.daemon"]
    if call["debug"]:
        words.append("--debug")
    if call["ready-fd"] is not None:
        os.set_inheritable(call["ready-fd"], True)
        words += ["--ready-fd", str(call["ready-fd"])]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - that is the point
