"""``wirt network prune``: removes networks no guest is on."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.cli.pruning import FILTER, FORCE, confirm

__all__ = ["VERB", "run"]

VERB = Verb(
    "network prune",
    "Remove all networks that no guest is on",
    flags=(FORCE, FILTER),
    examples=(("wirt network prune -f", "without asking"),),
)


def run(call: Call) -> None:
    if confirm(call, "This removes all networks that no guest is on."):
        pruned = call.transport.call("POST", "/v1/networks/prune", query={"filter": call["filter"]})
        print("".join([f"{name}\n" for name in pruned["deleted"]]), end="")
