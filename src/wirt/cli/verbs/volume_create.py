"""``wirt volume create``: data that outlives guests."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "volume create",
    "Create a volume",
    args="[NAME]",
    flags=(
        Flag("driver", "d", "text", "local", field="driver", metavar="driver"),
        Flag("label", "", "scalars.label", "a label, name=value", field="labels", many="merge", metavar="label"),
        Flag("opt", "o", "scalars.pair", "what to mount there: type=, device=, o= as in mount(8)", field="options",
             many="merge", metavar="option"),
    ),
    examples=(
        ("wirt volume create data", "then: wirt run -v data:/data ..."),
        ("wirt volume create -o type=tmpfs -o device=tmpfs -o o=size=100m scratch", "in memory"),
    ),
)  # fmt: skip


def run(call: Call) -> None:
    spec = {**call.fields(), "name": call.args[0] if call.args else ""}
    print(call.transport.call("POST", "/v1/volumes", json=spec)["name"])
