"""``wirt token rm``: lets a client in no more."""

from __future__ import annotations

from wirt.cli.many import each
from wirt.cli.options import Call, Verb
from wirt.cli.token_place import token_path
from wirt.host import token_file

__all__ = ["VERB", "run"]

VERB = Verb(
    "token rm",
    "Remove tokens: they are accepted no more",
    args="NAME [NAME...]",
    about="Guests and connections of who came in with them go on.",
    examples=(("wirt token rm laptop", "it was stolen"),),
)


def run(call: Call) -> int:
    path = token_path(call)
    return each(call.args, lambda name: token_file.remove(path, name))
