"""``wirt system prune``: removes what nobody uses, of every kind."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.cli.pruning import FILTER, FORCE, confirm, report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "system prune",
    "Remove guests that do not run, and the networks and images nobody uses then",
    flags=(
        Flag("all", "a", "switch", "images with a name as well, and the cache"),
        Flag("cache", "", "switch", "what was downloaded to make images as well"),
        Flag("volumes", "", "switch", "anonymous volumes as well"),
        FORCE,
        FILTER,
    ),
    examples=(
        ("wirt system prune", "tidy up"),
        ("wirt system prune -f --cache", "the packages of wirt image bootstrap as well, without asking"),
    ),
)


def run(call: Call) -> None:
    cache = call["cache"] or call["all"]
    kinds = ["guests", "networks", *(["volumes"] if call["volumes"] else []), "images", *(["cache"] if cache else [])]
    which = "images" if call["all"] else "unnamed images"
    things = f"all guests that do not run, and networks{', volumes' if call['volumes'] else ''} and {which}"
    downloads = ", and what was downloaded to make images" if cache else ""
    if confirm(call, f"This removes {things} that nobody uses then{downloads}."):
        report("what nobody used", *(_prune(call, kind) for kind in kinds))


def _prune(call: Call, kind: str) -> dict[str, Any]:
    query = {"filter": call["filter"]} if kind != "cache" else {}
    query |= {"all": call["all"]} if kind == "images" else {}
    pruned: dict[str, Any] = call.transport.call("POST", f"/v1/{kind}/prune", query=query)
    return pruned
