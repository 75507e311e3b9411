"""``wirt image inspect``: all there is to know about images."""

from __future__ import annotations

from wirt.cli.inspecting import TEMPLATE, inspect
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "image inspect",
    "Show all there is to know about images",
    args="IMAGE [IMAGE...]",
    flags=(TEMPLATE,),
    examples=(("wirt image inspect -f '{{.Config.Cmd}}' web", "what it runs"),),
)


def run(call: Call) -> int:
    return inspect(call, call.args, lambda name: dict(call.transport.call("GET", path("images", name, "json"))))
