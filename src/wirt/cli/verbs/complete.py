"""``wirt __complete``: what completion scripts ask; hidden, as nobody types it."""

from __future__ import annotations

from wirt.cli.completion import candidates
from wirt.cli.options import Call, Verb
from wirt.errors import WirtError

__all__ = ["VERB", "run"]

VERB = Verb("__complete", "Offer words for completion", args="[WORD...]", interspersed=False)


def run(call: Call) -> None:
    try:
        for line in candidates(call.args, call.host):
            print(line)
    except WirtError:
        return  # no daemon, no names; a complaint would stand in the middle of what is typed
