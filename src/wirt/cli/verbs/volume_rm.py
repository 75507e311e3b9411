"""``wirt volume rm``: removes volumes."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "volume rm",
    "Remove volumes and their data",
    args="VOLUME [VOLUME...]",
    flags=(Flag("force", "f", "switch", "one that is gone already is no error"),),
    examples=(("wirt volume rm data", "and everything in it"),),
)


def run(call: Call) -> int:
    return each(
        call.args, lambda name: call.transport.call("DELETE", path("volumes", name), query={"force": call["force"]})
    )
