"""``wirt ps``: the guests."""

from __future__ import annotations

from wirt.cli.guest_columns import COLUMNS
from wirt.cli.listing import FILTER, FORMAT, NO_TRUNC, QUIET, show
from wirt.cli.options import Call, Flag, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "ps",
    "List guests",
    flags=(
        Flag("all", "a", "switch", "those that do not run as well"),
        FILTER,
        FORMAT,
        Flag("last", "n", "scalars.integer", "only the newest so many, whatever their state", metavar="number"),
        Flag("latest", "l", "switch", "only the newest"),
        NO_TRUNC,
        QUIET,
        Flag("size", "s", "switch", "how much each wrote"),
    ),
    about="Filters: id, name, label, status, exited, ancestor, kind, network, volume, health, publish, before, since.",
    examples=(
        ("wirt ps -a --filter status=exited", "those that have ended"),
        ("wirt ps --format 'table {{.Names}}\\t{{.Status}}'", "two columns"),
        ("wirt ps --format json", "a JSON object a line"),
    ),
)

_SHOWN = ("ID", "Image", "Kind", "Command", "RunningFor", "Status", "Ports", "Names")


def run(call: Call) -> None:
    last = 1 if call["latest"] else max(call["last"] or 0, 0)
    query = {"all": call["all"], "last": last or None, "size": call["size"], "filter": call["filter"]}
    guests = call.transport.call("GET", "/v1/guests", query=query)
    shown = (*_SHOWN, "Size") if call["size"] else _SHOWN
    show(call, guests, COLUMNS, shown, quiet="ID")
