"""``wirt token create``: lets one more client in over TCP."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.cli.token_place import token_path
from wirt.host import token_file

__all__ = ["VERB", "run"]

VERB = Verb(
    "token create",
    "Make a token for a client on another machine, and print it",
    args="NAME",
    about="It is printed this once: only its SHA-256 is kept. A daemon that listens on TCP accepts it from now on.",
    examples=(("WIRT_TOKEN=$(wirt token create laptop)", "what the client on the laptop is to have"),),
)


def run(call: Call) -> None:
    print(token_file.add(token_path(call), call.args[0]))
