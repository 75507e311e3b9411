"""``wirt volume inspect``: all there is to know about volumes."""

from __future__ import annotations

from wirt.cli.inspecting import TEMPLATE, inspect
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "volume inspect",
    "Show all there is to know about volumes",
    args="VOLUME [VOLUME...]",
    flags=(TEMPLATE,),
    examples=(("wirt volume inspect -f '{{.Mountpoint}}' data", "where it is on the host"),),
)


def run(call: Call) -> int:
    return inspect(call, call.args, lambda name: dict(call.transport.call("GET", path("volumes", name))))
