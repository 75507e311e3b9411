"""``wirt diff``: what a guest's file system has other than its image."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.cli.style import plain
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "diff",
    "Show what a guest changed in its files",
    args="GUEST",
    about="A line each: A added, C changed, D deleted.",
    examples=(("wirt diff web", "C /var/log, A /var/log/access.log ..."),),
)


def run(call: Call) -> None:
    for change in call.transport.call("GET", path("guests", call.args[0], "changes")):
        print(change["kind"], plain(change["path"]))
