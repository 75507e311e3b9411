"""``wirt unpause``: lets paused guests go on."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "unpause",
    "Let paused guests go on",
    args="GUEST [GUEST...]",
    examples=(("wirt unpause batch", "from where it was"),),
)


def run(call: Call) -> int:
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "unpause")))
