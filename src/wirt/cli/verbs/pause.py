"""``wirt pause``: stops the clock of guests."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "pause",
    "Make running guests hold still",
    args="GUEST [GUEST...]",
    examples=(("wirt pause batch", "until wirt unpause batch"),),
)


def run(call: Call) -> int:
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "pause")))
