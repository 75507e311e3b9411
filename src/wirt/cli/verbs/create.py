"""``wirt create``: a guest from an image, not started."""

from __future__ import annotations

from wirt.cli.guest_flags import GUEST
from wirt.cli.guest_spec import IdFile, announce, guest_spec
from wirt.cli.options import Call, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "create",
    "Create a guest from an image without starting it",
    args="IMAGE [COMMAND] [ARG...]",
    interspersed=False,
    flags=GUEST,
    examples=(
        ("wirt create --name job -v data:/data debian /data/run.sh", "made now"),
        ("wirt start -a job", "started later"),
    ),
)


def run(call: Call) -> int:
    spec = guest_spec(call)
    with IdFile(call["cidfile"]) as id_file:
        return announce(call.transport.call("POST", "/v1/guests", json=spec), id_file)
