"""``wirt top``: the processes of a guest."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.cli.table import print_table
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "top",
    "Show the processes of a running guest",
    args="GUEST [PS_OPTION...]",
    interspersed=False,
    examples=(("wirt top web", "all of them"), ("wirt top web -o pid,rss,args", "with columns of your own")),
)


def run(call: Call) -> None:
    ref, *options = call.args
    found = call.transport.call("GET", path("guests", ref, "top"), query={"args": " ".join(options)})
    print_table(found["titles"], found["processes"])
