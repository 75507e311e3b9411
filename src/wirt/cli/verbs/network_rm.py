"""``wirt network rm``: removes networks."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "network rm",
    "Remove networks that no guest is on",
    args="NETWORK [NETWORK...]",
    examples=(("wirt network rm shop", "once no guest is on it"),),
)


def run(call: Call) -> int:
    return each(call.args, lambda name: call.transport.call("DELETE", path("networks", name)))
