"""``wirt fork``: guests that go on where one is now."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, UsageError, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "fork",
    "Clone a running micro guest, memory and all",
    args="GUEST [COUNT]",
    about="The clones go on where the guest is now, with names, addresses and published ports of their own; the guest"
    " goes on too. Its memory is shared until one of them writes to it.",
    flags=(
        Flag("name", "", "text", "what the clones' names begin with; the guest's own name otherwise", field="name"),
    ),
    examples=(
        ("wirt fork web", "one more: web-1"),
        ("wirt fork --name worker warm 10", "worker-1 to worker-10 from a guest that has warmed up"),
    ),
)


def run(call: Call) -> None:
    ref, *count = call.args
    if count and not count[0].isdecimal():
        raise UsageError(f"{count[0]!r} is not a number of clones", "fork")
    body = {**call.fields(), "count": int(count[0]) if count else 1}
    for created in call.transport.call("POST", path("guests", ref, "fork"), json=body):
        print(created["id"])
