"""``wirt start``: starts guests that do not run."""

from __future__ import annotations

from wirt.cli.attached import FOLLOWED, follow
from wirt.cli.many import each
from wirt.cli.options import Call, UsageError, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "start",
    "Start guests that were made or stopped before",
    args="GUEST [GUEST...]",
    flags=FOLLOWED,
    examples=(
        ("wirt start web db", "both in the background"),
        ("wirt start -ai shell", "one, with its terminal"),
    ),
)


def run(call: Call) -> int:
    if call["attach"] or call["interactive"]:
        return _start_attached(call)
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "start")))


def _start_attached(call: Call) -> int:
    if len(call.args) > 1:
        raise UsageError("only one guest can be attached to", "start")
    ref = call.args[0]
    config = call.transport.call("GET", path("guests", ref))["config"]
    return follow(call, path("guests", ref, "attach"), config, start=True)
