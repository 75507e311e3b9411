"""``wirt inspect``: all there is to know about things of any kind."""

from __future__ import annotations

from wirt.cli.inspecting import TEMPLATE, inspect
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.verbs.network_inspect import flat
from wirt.client.transport import path
from wirt.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "inspect",
    "Show all there is to know about guests, images, networks or volumes",
    args="NAME [NAME...]",
    flags=(
        TEMPLATE,
        Flag("size", "s", "switch", "measure a guest's files as well"),
        Flag("type", "", "text", "look among guests, images, networks or volumes only", metavar="type",
             choices=("guest", "container", "image", "network", "volume")),
    ),
    examples=(
        ("wirt inspect web", "as JSON"),
        ("wirt inspect -f '{{.NetworkSettings.IPAddress}}' web", "one thing of it"),
        ("wirt inspect -f '{{json .State}}' web", "a part of it"),
    ),
)  # fmt: skip


def run(call: Call) -> int:
    wanted = {"container": "guest"}.get(call["type"], call["type"])
    places = [place for place in ("guest", "image", "network", "volume") if wanted in (None, place)]
    return inspect(call, call.args, lambda name: _look(call, name, places))


def _look(call: Call, name: str, places: list[str]) -> dict[str, Any]:
    """The first of ``places`` that knows ``name``."""
    targets = {
        "guest": path("guests", name),
        "image": path("images", name, "json"),
        "network": path("networks", name),
        "volume": path("volumes", name),
    }
    for place in places:
        query = {"size": True} if place == "guest" and call["size"] else None
        try:
            found: dict[str, Any] = call.transport.call("GET", targets[place], query=query)
        except NotFound:
            continue
        return flat(found) if place == "network" else found
    raise NotFound(f"no such {' or '.join(places)}: {name}")
