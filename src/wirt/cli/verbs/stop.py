"""``wirt stop``: asks guests to end, and ends them when the time is up."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "stop",
    "Stop running guests",
    args="GUEST [GUEST...]",
    about="Each gets its stop signal, and is killed if it has not ended when the time is up.",
    flags=(
        Flag("time", "t", "scalars.seconds", "seconds before it is killed; the guest's own, or 10, where not said"),
        Flag("timeout", "", "scalars.seconds", "the same", hidden=True),
        Flag("signal", "s", "text", "the signal that asks it to stop", metavar="signal", complete="signal"),
    ),
    examples=(("wirt stop web", "in an orderly way"), ("wirt stop -t 0 web db", "at once")),
)


def run(call: Call) -> int:
    time = call["timeout"] if call["time"] is None else call["time"]
    query = {"timeout": _FOREVER if time == -1 else time, "signal": call["signal"]}
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "stop"), query=query))


_FOREVER = 10**9  # seconds; what -1 means to Docker
