"""``wirt image prune``: removes images nobody needs."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.cli.pruning import FILTER, FORCE, confirm, report

__all__ = ["VERB", "run"]

VERB = Verb(
    "image prune",
    "Remove images without a name that no guest uses",
    flags=(Flag("all", "a", "switch", "all that no guest uses, named or not"), FORCE, FILTER),
    examples=(("wirt image prune -a", "keep only what guests use"),),
)


def run(call: Call) -> None:
    which = "that no guest uses" if call["all"] else "without a name that no guest uses"
    if confirm(call, f"This removes all images {which}."):
        query = {"all": call["all"], "filter": call["filter"]}
        report("images", call.transport.call("POST", "/v1/images/prune", query=query))
