"""``wirt image rm``: takes names off images, and removes those that have none left."""

from __future__ import annotations

from wirt.cli.human import familiar
from wirt.cli.many import each
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "image rm",
    "Remove images",
    args="IMAGE [IMAGE...]",
    about="An image with several names loses the one that was given; with its last name it goes itself.",
    flags=(Flag("force", "f", "switch", "with all its names, and although guests that do not run use it"),),
    examples=(("wirt rmi web:1", "the old one"),),
)


def run(call: Call) -> int:
    query = {"force": call["force"]}

    def remove(name: str) -> str:
        done = call.transport.call("DELETE", path("images", name), query=query)
        lines = [f"Untagged: {familiar(name)}" for name in done["untagged"]] + [
            f"Deleted: {name}" for name in done["deleted"]
        ]
        return "\n".join(lines)

    return each(call.args, remove)
