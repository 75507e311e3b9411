"""What the ``prune`` verbs share: the question before, and what went after."""

from __future__ import annotations

import sys

from wirt.cli.human import decimal_size, familiar
from wirt.cli.options import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wirt.cli.options import Call

__all__ = ["FILTER", "FORCE", "confirm", "report"]

FILTER = Flag("filter", "", "scalars.filter_", "only those that match name=value", many="append", metavar="filter")
FORCE = Flag("force", "f", "switch", "do not ask")


def confirm(call: Call, warning: str) -> bool:
    """Whether the user means it. Only yes is yes; the end of the input is no."""
    if call["force"]:
        return True
    print(f"{warning}\nContinue? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def report(what: str, *pruned: dict[str, Any]) -> None:
    """What went, and the space that came free with it."""
    deleted = [name for each in pruned for name in (*map(familiar, each.get("untagged", ())), *each["deleted"])]
    if deleted:
        print(f"removed {what}:", *deleted, sep="\n", end="\n\n")
    print(f"space reclaimed: {decimal_size(sum(each['reclaimed'] for each in pruned))}")
