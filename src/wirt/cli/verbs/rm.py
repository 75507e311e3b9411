"""``wirt rm``: removes guests."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path
from wirt.errors import NotFound

__all__ = ["VERB", "run"]

VERB = Verb(
    "rm",
    "Remove guests",
    args="GUEST [GUEST...]",
    flags=(
        Flag("force", "f", "switch", "kill it first if it runs; one that is gone already is no error"),
        Flag("volumes", "v", "switch", "remove its anonymous volumes as well"),
    ),
    examples=(("wirt rm job", "one that has ended"), ("wirt rm -f $(wirt ps -aq)", "all of them, whatever they do")),
)


def run(call: Call) -> int:
    query = {"force": call["force"], "volumes": call["volumes"]}

    def remove(ref: str) -> str | None:
        try:
            call.transport.call("DELETE", path("guests", ref), query=query)
        except NotFound:
            if not call["force"]:
                raise
        return None

    return each(call.args, remove)
