"""``wirt snapshot create``: a guest as it is now, to go on from later."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "snapshot create",
    "Write a running micro guest down, memory and files",
    args="GUEST [NAME]",
    about="The guest stands still meanwhile, and goes on. A snapshot outlives the guest, the daemon and a reboot.",
    examples=(
        ("wirt snapshot create web warm", "then: wirt restore warm"),
        ("wirt snapshot create web", "it gets the next free name: web-1"),
    ),
)


def run(call: Call) -> None:
    ref, *name = call.args
    body = {"guest": ref, "name": name[0] if name else ""}
    made = call.transport.call("POST", path("snapshots"), json=body)
    print(made["name"])
