"""``wirt image history``: the steps an image was made in."""

from __future__ import annotations

from wirt.cli.human import ago, date, decimal_size
from wirt.cli.listing import FORMAT, NO_TRUNC, Column, show
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "image history",
    "Show the steps an image was made in",
    args="IMAGE",
    flags=(
        FORMAT,
        NO_TRUNC,
        Flag("human", "H", "switch", "sizes and times for people; on unless --human=false"),
    ),
    examples=(("wirt history debian", "newest first"),),
)

_COLUMNS = (
    Column("CreatedSince", "CREATED", lambda step: ago(step["created"])),
    Column("CreatedAt", "CREATED AT", lambda step: date(step["created"])),
    Column("CreatedBy", "CREATED BY", "created_by"),
    Column("Size", "SIZE", lambda step: decimal_size(step["size"])),
    Column("Bytes", "SIZE", "size"),
    Column("Comment", "COMMENT", "comment"),
)


def run(call: Call) -> None:
    steps = call.transport.call("GET", path("images", call.args[0], "history"))
    for_people = "human" not in call.given or call["human"]
    shown = ("CreatedSince", "CreatedBy", "Size") if for_people else ("CreatedAt", "CreatedBy", "Bytes")
    show(call, steps, _COLUMNS, (*shown, "Comment"))
