"""``wirt image tag``: one more name for an image."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "image tag",
    "Give an image one more name",
    args="IMAGE NAME[:TAG]",
    examples=(("wirt tag web:2 web:latest", "both mean the same image now"),),
)


def run(call: Call) -> None:
    image, name = call.args
    call.transport.call("POST", path("images", image, "tag"), query={"target": name})
