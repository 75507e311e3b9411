"""``wirt network disconnect``: takes a guest off a network."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "network disconnect",
    "Take a guest off a network",
    args="NETWORK GUEST",
    flags=(Flag("force", "f", "switch", "even if the guest does not answer", field="force"),),
    examples=(("wirt network disconnect shop postgres", "it is alone now"),),
)


def run(call: Call) -> None:
    network, guest = call.args
    call.transport.call("POST", path("networks", network, "disconnect"), json={**call.fields(), "guest": guest})
