"""``wirt token ls``: who is let in over TCP."""

from __future__ import annotations

from wirt.cli.human import date
from wirt.cli.listing import FORMAT, Column, show
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.token_place import token_path
from wirt.host import token_file

__all__ = ["VERB", "run"]

VERB = Verb(
    "token ls",
    "List tokens",
    flags=(FORMAT, Flag("quiet", "q", "switch", "names only")),
    about="Tokens written into config.toml by hand have no name, and are not listed.",
    examples=(("wirt token ls", "their names and ages; the tokens themselves nobody knows"),),
)

_COLUMNS = (
    Column("Name", "NAME", "name"),
    Column("CreatedAt", "CREATED AT", lambda token: date(token["created"])),
    Column("Digest", "SHA-256", "sha256"),
)


def run(call: Call) -> None:
    tokens = [
        {"name": entry.name, "created": entry.created, "sha256": entry.sha256}
        for entry in token_file.read(token_path(call))
    ]
    show(call, tokens, _COLUMNS, ("Name", "CreatedAt"), quiet="Name")
