"""``wirt network ls``: the networks."""

from __future__ import annotations

from wirt.cli.human import date, short_id
from wirt.cli.listing import FILTER, FORMAT, NO_TRUNC, QUIET, Column, labels_text, show
from wirt.cli.options import Call, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "network ls",
    "List networks",
    flags=(FILTER, FORMAT, NO_TRUNC, QUIET),
    examples=(("wirt network ls --filter driver=bridge", "those with addresses of their own"),),
)


_COLUMNS = (
    Column("ID", "NETWORK ID", lambda network: short_id(network["id"]), full="id"),
    Column("Name", "NAME", "name"),
    Column("Driver", "DRIVER", "driver"),
    Column("Subnet", "SUBNET", "subnet"),
    Column("Internal", "INTERNAL", lambda network: "true" if network["internal"] else "false"),
    Column("Scope", "SCOPE", lambda _: "local"),
    Column("CreatedAt", "CREATED AT", lambda network: date(network["created"])),
    Column("Labels", "LABELS", labels_text),
)


def run(call: Call) -> None:
    networks = call.transport.call("GET", "/v1/networks", query={"filter": call["filter"]})
    show(call, networks, _COLUMNS, ("ID", "Name", "Driver", "Subnet"), quiet="ID")
