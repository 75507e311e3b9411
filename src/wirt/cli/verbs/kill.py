"""``wirt kill``: sends a signal to guests."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "kill",
    "Send a signal to running guests",
    args="GUEST [GUEST...]",
    flags=(Flag("signal", "s", "text", "the signal, SIGKILL where not said", metavar="signal", complete="signal"),),
    examples=(("wirt kill web", "no questions asked"), ("wirt kill -s HUP web", "read your configuration again")),
)


def run(call: Call) -> int:
    query = {"signal": call["signal"]}
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "kill"), query=query))
