"""``wirt export``: a guest's files as a tar archive."""

from __future__ import annotations

from wirt.cli.archives import save_to
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "export",
    "Write a guest's files as a tar archive",
    args="GUEST",
    flags=(Flag("output", "o", "text", "to this file instead of standard output", metavar="file", complete="file"),),
    examples=(("wirt export -o web.tar web", "all its files"), ("wirt export web | tar t", "their names")),
)


def run(call: Call) -> None:
    save_to(call["output"], lambda: call.transport.request("GET", path("guests", call.args[0], "export")))
