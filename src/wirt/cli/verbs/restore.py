"""``wirt restore``: a guest that goes on from a snapshot."""

from __future__ import annotations

from wirt.cli.attached import FOLLOWED, follow
from wirt.cli.guest_flags import GUEST
from wirt.cli.options import Call, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

_OWN = ("name", "rm", "hostname", "label", "network", "ip", "mac-address", "publish", "memory", "cpus", "pids-limit")

VERB = Verb(
    "restore",
    "Make a guest that goes on from a snapshot",
    args="SNAPSHOT",
    about="What the saved guest was made with counts for the new one, but for its place on the host, which is its own.",
    flags=(*FOLLOWED, *(flag for flag in GUEST if flag.name in _OWN)),
    examples=(
        ("wirt restore --name web2 web-warm", "in the background"),
        ("wirt restore --rm -ai shell-1", "one that had a terminal, with ours"),
    ),
)


def run(call: Call) -> int:
    snapshot = call.transport.call("GET", path("snapshots", call.args[0]))
    spec = {**call.fields(), "image": "", "snapshot": snapshot["id"]}
    if not call["attach"] and not call["interactive"]:
        print(call.transport.call("POST", "/v1/guests/run", json={"spec": spec})["id"])
        return 0
    return follow(call, "/v1/guests/run", snapshot["spec"], spec=spec)
