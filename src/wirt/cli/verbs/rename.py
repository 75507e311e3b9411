"""``wirt rename``: gives a guest another name."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "rename",
    "Give a guest another name",
    args="GUEST NAME",
    examples=(("wirt rename web web-old", "the name web is free again"),),
)


def run(call: Call) -> None:
    ref, name = call.args
    call.transport.call("POST", path("guests", ref, "rename"), query={"name": name})
