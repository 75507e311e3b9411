"""``wirt system df``: what is kept on the disk."""

from __future__ import annotations

from wirt.cli.human import decimal_size, familiar, short_id
from wirt.cli.listing import FORMAT, Column, show
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.table import print_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "system df",
    "Show what images, guests, volumes and cache take on the disk",
    flags=(FORMAT, Flag("verbose", "v", "switch", "each of them")),
    about="What several images share counts once in the summary, and with -v for each of them. The cache has packages "
    "for `wirt image bootstrap`; `wirt system prune --cache` empties it.",
    examples=(("wirt system df", "how much there is, and how much of it no guest needs"),),
)


def _share(kept: dict[str, Any]) -> str:
    text = decimal_size(kept["reclaimable"])
    return f"{text} ({100 * kept['reclaimable'] // kept['size']}%)" if kept["size"] else text


_KINDS = (("Images", "images"), ("Guests", "guests"), ("Local Volumes", "volumes"), ("Build Cache", "cache"))
_COLUMNS = (
    Column("Type", "TYPE", "type"),
    Column("TotalCount", "TOTAL", "total"),
    Column("Active", "ACTIVE", "active"),
    Column("Size", "SIZE", lambda kept: decimal_size(kept["size"])),
    Column("Reclaimable", "RECLAIMABLE", _share),
)
_SHOWN = ("Type", "TotalCount", "Active", "Size", "Reclaimable")


def run(call: Call) -> None:
    usage = call.transport.call("GET", "/v1/system/df")
    kinds = [{"type": title, **usage[name]} for title, name in _KINDS]
    if not call["verbose"] or call["format"] not in (None, "table"):
        if not call["verbose"]:
            for kept in kinds:
                del kept["things"]
        show(call, kinds, _COLUMNS, _SHOWN)
        return
    for number, kept in enumerate(kinds):
        print(("\n" if number else "") + f"{kept['type']}: {decimal_size(kept['size'])}")
        if kept["things"]:
            print()
            print_table(["ID", "NAME", "SIZE", "GUESTS", "ACTIVE"], [_cells(thing) for thing in kept["things"]])


def _cells(thing: dict[str, Any]) -> list[str]:
    names = ", ".join(familiar(name) for name in thing["name"].split(", "))
    size, active = decimal_size(thing["size"]), "yes" if thing["active"] else "no"
    return [short_id(thing["id"].rpartition("/")[2]), names, size, str(thing["guests"]), active]
