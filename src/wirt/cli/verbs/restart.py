"""``wirt restart``: stops guests and starts them again."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "restart",
    "Stop guests and start them again",
    args="GUEST [GUEST...]",
    flags=(
        Flag("time", "t", "scalars.count", "seconds before it is killed; the guest's own, or 10, where not said"),
        Flag("timeout", "", "scalars.count", "the same", hidden=True),
    ),
    examples=(("wirt restart web", "with a new process on the same disk"),),
)


def run(call: Call) -> int:
    query = {"timeout": call["timeout"] if call["time"] is None else call["time"]}
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "restart"), query=query))
