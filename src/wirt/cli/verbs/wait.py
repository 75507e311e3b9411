"""``wirt wait``: ends when guests have ended, and says how."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "wait",
    "Wait until guests have ended and print their exit codes",
    args="GUEST [GUEST...]",
    flags=(
        Flag(
            "condition", "", "text", "what to wait for: not-running, next-exit or removed",
            metavar="condition", choices=("not-running", "next-exit", "removed"),
        ),
    ),
    examples=(("wirt wait job", "0, say, once it is done"),),
)  # fmt: skip


def run(call: Call) -> int:
    query = {"condition": call["condition"]}

    def wait(ref: str) -> int:
        return int(call.transport.call("POST", path("guests", ref, "wait"), query=query)["exit_code"])

    return each(call.args, wait)
