"""``wirt volume ls``: the volumes."""

from __future__ import annotations

from wirt.cli.human import date
from wirt.cli.listing import FILTER, FORMAT, QUIET, Column, labels_text, show
from wirt.cli.options import Call, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "volume ls",
    "List volumes",
    flags=(FILTER, FORMAT, QUIET),
    examples=(("wirt volume ls --filter dangling=true", "those no guest uses"),),
)

_COLUMNS = (
    Column("Driver", "DRIVER", "driver"),
    Column("Name", "VOLUME NAME", "name"),
    Column("Mountpoint", "MOUNTPOINT", "mountpoint"),
    Column("Scope", "SCOPE", lambda _: "local"),
    Column("CreatedAt", "CREATED AT", lambda volume: date(volume["created"])),
    Column("Labels", "LABELS", labels_text),
)


def run(call: Call) -> None:
    volumes = call.transport.call("GET", "/v1/volumes", query={"filter": call["filter"]})
    show(call, volumes, _COLUMNS, ("Driver", "Name"), quiet="Name")
