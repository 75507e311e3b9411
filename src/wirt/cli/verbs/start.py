"""``wirt start``: starts guests that do not run."""

from __future__ import annotations

from wirt.cli.attached import DETACH_KEYS, SIG_PROXY, check_terminal, connect, streams_wanted, upgrade
from wirt.cli.many import each
from wirt.cli.options import Call, Flag, UsageError, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "start",
    "Start guests that were made or stopped before",
    args="GUEST [GUEST...]",
    flags=(
        Flag("attach", "a", "switch", "show its output and leave with its exit code"),
        Flag("interactive", "i", "switch", "connect our input as well"),
        SIG_PROXY,
        DETACH_KEYS,
    ),
    examples=(
        ("wirt start web db", "both in the background"),
        ("wirt start -ai shell", "one, with its terminal"),
    ),
)


def run(call: Call) -> int:
    if call["attach"] or call["interactive"]:
        return _start_attached(call)
    return each(call.args, lambda ref: call.transport.call("POST", path("guests", ref, "start")))


def _start_attached(call: Call) -> int:
    if len(call.args) > 1:
        raise UsageError("only one guest can be attached to", "start")
    ref = call.args[0]
    config = call.transport.call("GET", path("guests", ref))["config"]
    tty, stdin = config["tty"], call["interactive"] and config["open_stdin"]
    check_terminal(tty=tty, stdin=stdin)
    body = streams_wanted(call, tty=tty, stdin=stdin, stdout=True, stderr=True, start=True)
    return connect(call, upgrade(call, path("guests", ref, "attach"), body), tty=tty, stdin=stdin)
