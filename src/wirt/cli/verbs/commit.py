"""``wirt commit``: an image from a guest's file system."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "commit",
    "Make an image of a guest's files",
    args="GUEST [NAME[:TAG]]",
    flags=(
        Flag("author", "a", "text", "who made it", field="author", metavar="name"),
        Flag("message", "m", "text", "what was done", field="message", metavar="text"),
        Flag("change", "c", "text", "a line of a Dockerfile to apply: CMD, ENV, LABEL ...", field="changes",
             many="append", metavar="line"),
        Flag("pause", "p", "switch", "the guest holds still meanwhile; on unless --pause=false", field="pause"),
    ),
    examples=(("wirt commit -c 'CMD [\"serve\"]' web web:2", "what web has become, as an image"),),
)  # fmt: skip


def run(call: Call) -> None:
    ref, *name = call.args
    options = {**call.fields(), "name": name[0] if name else ""}
    print(call.transport.call("POST", path("guests", ref, "commit"), json=options)["id"])
