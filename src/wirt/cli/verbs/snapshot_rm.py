"""``wirt snapshot rm``: deletes snapshots."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "snapshot rm",
    "Delete snapshots",
    args="SNAPSHOT [SNAPSHOT...]",
    about="Guests that were restored from one keep what they have.",
    examples=(("wirt snapshot rm warm", "and its memory on the disk"),),
)


def run(call: Call) -> int:
    return each(call.args, lambda name: call.transport.call("DELETE", path("snapshots", name)))
