"""What ``run``, ``start``, ``attach`` and ``exec`` share: asking for streams, and being connected to them.

The modules that carry the streams are imported while the daemon starts the program: a request that waits for imports
would be 2 ms late.
"""

from __future__ import annotations

import os

from wirt.cli.options import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wirt.cli.options import Call
    from wirt.client.transport import Upgraded

__all__ = ["DETACH_KEYS", "FOLLOWED", "SIG_PROXY", "check_terminal", "connect", "follow", "streams_wanted", "upgrade"]

DETACH_KEYS = Flag(
    "detach-keys", "", "text", "the keys that leave the guest running and end this command (ctrl-p,ctrl-q)",
    metavar="keys", group="Streams",
)  # fmt: skip
SIG_PROXY = Flag(
    "sig-proxy", "", "switch", "pass signals on to the guest; on unless --sig-proxy=false", group="Streams"
)
FOLLOWED = (
    Flag("attach", "a", "switch", "show its output and leave with its exit code"),
    Flag("interactive", "i", "switch", "connect our input as well"),
    SIG_PROXY,
    DETACH_KEYS,
)


def follow(call: Call, target: str, config: dict[str, Any], **more: Any) -> int:
    """Asks for ``target``, to which ``more`` belongs, and is there until what it starts ends; its exit code.

    ``config``: what the guest was made with; our input is connected with ``--interactive``, if it has one.
    """
    tty, stdin = config["tty"], call["interactive"] and config["open_stdin"]
    check_terminal(tty=tty, stdin=stdin)
    body = streams_wanted(call, tty=tty, stdin=stdin, stdout=True, stderr=True)
    return connect(call, upgrade(call, target, {**body, **more}), tty=tty, stdin=stdin)


def check_terminal(*, tty: bool, stdin: bool) -> None:
    """A guest's terminal needs one of ours for its keys."""
    if tty and stdin and not os.isatty(0):
        from wirt.errors import InvalidInput

        raise InvalidInput("the input device is not a TTY", hint="without -t, input may come from a pipe or a file")


def streams_wanted(call: Call, *, tty: bool, **streams: bool) -> dict[str, Any]:
    """The part of a request's JSON that asks for ``streams`` and tells of our terminal."""
    rows = columns = 0
    if tty:
        from wirt.client.terminal import window_size

        rows, columns = window_size(1, 0, 2)
    return {**streams, "rows": rows, "cols": columns, "detach_keys": call["detach-keys"] or ""}


def upgrade(call: Call, target: str, body: dict[str, Any]) -> Upgraded:
    """Asks for ``target`` and for a connection of frames to what it starts."""
    return call.transport.upgrade(target, json=body, meanwhile=lambda: __import__("wirt.client.streams"))


def connect(call: Call, connection: Upgraded, *, tty: bool, stdin: bool) -> int:
    """Is the guest's terminal, or its pipes, until it ends; the exit code it leaves us with."""
    from wirt.client.streams import DETACHED, converse

    try:
        code = converse(
            connection,
            stdin=0 if stdin else None,
            raw=0 if tty and stdin and os.isatty(0) else None,
            window=next((fd for fd in (1, 0) if os.isatty(fd)), None) if tty else None,
            proxy_signals="sig-proxy" not in call.given or call["sig-proxy"],
        )
    except KeyboardInterrupt:
        guest = connection.headers.get("wirt-guest", "")[:12]
        if guest:
            end = "" if os.isatty(2) else "\n"  # a terminal gets its newline for the ^C
            os.write(2, f"\nguest {guest} goes on; end it with: wirt stop {guest}{end}".encode())
        raise
    if code == DETACHED:
        if os.isatty(2):
            os.write(2, b"\n")  # the guest's prompt stands there, half a line
        return 0
    return code
