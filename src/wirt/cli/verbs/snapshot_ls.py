"""``wirt snapshot ls``: the snapshots."""

from __future__ import annotations

from wirt.cli.human import ago, decimal_size, short_id
from wirt.cli.listing import FORMAT, NO_TRUNC, QUIET, Column, show
from wirt.cli.options import Call, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "snapshot ls",
    "List snapshots",
    flags=(FORMAT, NO_TRUNC, QUIET),
    examples=(("wirt snapshot ls -q", "their ids, as for wirt snapshot rm"),),
)

_COLUMNS = (
    Column("ID", "SNAPSHOT ID", lambda snapshot: short_id(snapshot["id"]), full="id"),
    Column("Name", "NAME", "name"),
    Column("Guest", "GUEST", "guest"),
    Column("Kind", "KIND", "kind"),
    Column("Memory", "MEMORY", lambda snapshot: decimal_size(snapshot["memory"])),
    Column("Created", "CREATED", lambda snapshot: ago(snapshot["created"])),
)


def run(call: Call) -> None:
    snapshots = call.transport.call("GET", "/v1/snapshots")
    show(call, snapshots, _COLUMNS, ("ID", "Name", "Guest", "Kind", "Memory", "Created"), quiet="ID")
