"""``wirt guest prune``: removes all guests that do not run."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.cli.pruning import FILTER, FORCE, confirm, report

__all__ = ["VERB", "run"]

VERB = Verb(
    "guest prune",
    "Remove all guests that do not run",
    flags=(FORCE, FILTER),
    examples=(("wirt guest prune --filter until=24h", "those of yesterday and before"),),
)


def run(call: Call) -> None:
    if confirm(call, "This removes all guests that do not run, with what they wrote."):
        report("guests", call.transport.call("POST", "/v1/guests/prune", query={"filter": call["filter"]}))
