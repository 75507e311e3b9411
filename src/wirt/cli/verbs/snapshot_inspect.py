"""``wirt snapshot inspect``: all there is to know about snapshots."""

from __future__ import annotations

from wirt.cli.inspecting import TEMPLATE, inspect
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "snapshot inspect",
    "Show all there is to know about snapshots",
    args="SNAPSHOT [SNAPSHOT...]",
    flags=(TEMPLATE,),
    examples=(("wirt snapshot inspect -f '{{.Spec.Image}}' warm", "what image the guest was made from"),),
)


def run(call: Call) -> int:
    return inspect(call, call.args, lambda name: dict(call.transport.call("GET", path("snapshots", name))))
