"""``wirt update``: changes the limits of guests, while they run too."""

from __future__ import annotations

from wirt.cli.guest_flags import LIMITS, RESTART
from wirt.cli.guest_spec import show_warnings
from wirt.cli.many import each
from wirt.cli.options import Call, UsageError, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "update",
    "Change the limits and the restart policy of guests",
    args="GUEST [GUEST...]",
    flags=(RESTART, *LIMITS),
    about="What is not named stays as it is. A running guest feels the change at once, or a warning says why not.",
    examples=(("wirt update --memory 1g --cpus 2 web", "more of both"),),
)


def run(call: Call) -> int:
    change = call.fields()
    if not change:
        raise UsageError("nothing to change: name at least one limit", "update")

    def update(ref: str) -> None:
        show_warnings(call.transport.call("POST", path("guests", ref, "update"), json=change))

    return each(call.args, update)
