"""``wirt network inspect``: all there is to know about networks."""

from __future__ import annotations

from wirt.cli.inspecting import TEMPLATE, inspect
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "flat", "run"]

VERB = Verb(
    "network inspect",
    "Show all there is to know about networks",
    args="NETWORK [NETWORK...]",
    flags=(TEMPLATE,),
    examples=(("wirt network inspect -f '{{range .Guests}}{{.IPAddress}} {{end}}' shop", "who is on it"),),
)


def run(call: Call) -> int:
    return inspect(call, call.args, lambda name: flat(call.transport.call("GET", path("networks", name))))


def flat(view: dict[str, Any]) -> dict[str, Any]:
    """The network's own fields beside its guests, as templates expect them."""
    return {**view["network"], "guests": view["guests"]}
