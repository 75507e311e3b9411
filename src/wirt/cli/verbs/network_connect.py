"""``wirt network connect``: puts a guest on a further network."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "network connect",
    "Put a guest on a network, while it runs too",
    args="NETWORK GUEST",
    flags=(
        Flag("alias", "", "text", "a further name on it", field="aliases", many="append", metavar="name"),
        Flag("ip", "", "text", "its address on it", field="ip", metavar="address"),
    ),
    examples=(("wirt network connect --alias db shop postgres", "shop's guests find it as db"),),
)


def run(call: Call) -> None:
    network, guest = call.args
    call.transport.call("POST", path("networks", network, "connect"), json={**call.fields(), "guest": guest})
