"""``wirt network create``: a bridge of one's own."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "network create",
    "Create a network whose guests find each other by name",
    args="NAME",
    flags=(
        Flag("driver", "d", "text", "bridge", field="driver", metavar="driver"),
        Flag("subnet", "", "text", "its addresses, 10.5.0.0/24; a free range where not said", field="subnet",
             metavar="range"),
        Flag("gateway", "", "text", "the host's address on it", field="gateway", metavar="address"),
        Flag("ip-range", "", "text", "the part of the subnet guests get addresses from", field="ip_range",
             metavar="range"),
        Flag("internal", "", "switch", "no way out", field="internal"),
        Flag("label", "", "scalars.label", "a label, name=value", field="labels", many="merge", metavar="label"),
        Flag("opt", "o", "scalars.pair", "a setting of the driver, name=value", field="options", many="merge",
             metavar="option"),
    ),
    examples=(
        ("wirt network create shop", "then: wirt run --network shop ..."),
        ("wirt network create --internal --subnet 10.5.0.0/24 lab", "nobody gets out"),
    ),
)  # fmt: skip


def run(call: Call) -> None:
    print(call.transport.call("POST", "/v1/networks", json={**call.fields(), "name": call.args[0]})["id"])
