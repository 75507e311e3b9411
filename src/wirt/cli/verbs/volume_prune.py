"""``wirt volume prune``: removes volumes no guest uses."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.cli.pruning import FILTER, FORCE, confirm, report

__all__ = ["VERB", "run"]

VERB = Verb(
    "volume prune",
    "Remove anonymous volumes that no guest uses",
    flags=(Flag("all", "a", "switch", "named ones as well"), FORCE, FILTER),
    examples=(("wirt volume prune --all --filter label=stage=test", "the test's leftovers"),),
)


def run(call: Call) -> None:
    which = "all volumes" if call["all"] else "all anonymous volumes"
    if confirm(call, f"This removes {which} that no guest uses, with their data."):
        query = {"all": call["all"], "filter": call["filter"]}
        report("volumes", call.transport.call("POST", "/v1/volumes/prune", query=query))
