"""``wirt attach``: our terminal, or pipes, become a running guest's."""

from __future__ import annotations

from wirt.cli.attached import DETACH_KEYS, SIG_PROXY, check_terminal, connect, streams_wanted, upgrade
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path
from wirt.errors import Conflict

__all__ = ["VERB", "run"]

VERB = Verb(
    "attach",
    "Connect to the input and output of a running guest",
    args="GUEST",
    flags=(Flag("no-stdin", "", "switch", "watch only", group="Streams"), SIG_PROXY, DETACH_KEYS),
    about="Leave with Ctrl-P Ctrl-Q; the guest goes on.",
    examples=(("wirt attach shell", "back to a guest that was left"),),
)


def run(call: Call) -> int:
    ref = call.args[0]
    guest = call.transport.call("GET", path("guests", ref))
    if guest["state"]["status"] not in ("running", "starting", "restarting"):
        raise Conflict(f"guest {ref} is {guest['state']['status']}", hint=f"start it: wirt start -a {ref}")
    tty = guest["config"]["tty"]
    stdin = guest["config"]["open_stdin"] and not call["no-stdin"]
    check_terminal(tty=tty, stdin=stdin)
    body = streams_wanted(call, tty=tty, stdin=stdin, stdout=True, stderr=True)
    return connect(call, upgrade(call, path("guests", ref, "attach"), body), tty=tty, stdin=stdin)
