"""``wirt image ls``: the images."""

from __future__ import annotations

from wirt.cli.human import ago, date, decimal_size, familiar, short_id
from wirt.cli.listing import FILTER, FORMAT, NO_TRUNC, QUIET, Column, labels_text, show
from wirt.cli.options import Call, Flag, Verb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "image ls",
    "List images",
    args="[REPOSITORY[:TAG]]",
    flags=(
        Flag("all", "a", "switch", "all of them, as is the default: there are no intermediate images to hide"),
        Flag("digests", "", "switch", "their digests as well"),
        FILTER,
        FORMAT,
        NO_TRUNC,
        QUIET,
    ),
    examples=(("wirt images", "all of them"), ("wirt images debian", "one repository's")),
)


_COLUMNS = (
    Column("Repository", "REPOSITORY", "repository"),
    Column("Tag", "TAG", "tag"),
    Column("Digest", "DIGEST", "digest"),
    Column("ID", "IMAGE ID", lambda image: short_id(image["id"]), full="id"),
    Column("CreatedSince", "CREATED", lambda image: ago(image["created"])),
    Column("Size", "SIZE", lambda image: decimal_size(image["size"])),
    Column("CreatedAt", "CREATED AT", lambda image: date(image["created"])),
    Column("Labels", "LABELS", labels_text),
)
_SHOWN = ("Repository", "Tag", "ID", "CreatedSince", "Size")


def run(call: Call) -> None:
    filters = [*call["filter"], *(f"reference={name}" for name in call.args)]
    images = call.transport.call("GET", "/v1/images", query={"filter": filters})
    if call["format"] == "json" or (call["quiet"] and not call["format"]):
        rows = images
    else:
        rows = [row for image in images for row in _by_name(image)]
    shown = (*_SHOWN[:2], "Digest", *_SHOWN[2:]) if call["digests"] else _SHOWN
    show(call, rows, _COLUMNS, shown, quiet="ID")


def _by_name(image: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A line for every name; one for an image without."""
    for name in image["names"] or [""]:
        repository, colon, tag = familiar(name).rpartition(":")
        if not colon or "/" in tag:
            repository, tag = familiar(name), ""
        yield {**image, "repository": repository or "<none>", "tag": tag or "<none>"}
