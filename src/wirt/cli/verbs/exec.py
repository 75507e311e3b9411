"""``wirt exec``: a command in a running guest."""

from __future__ import annotations

from wirt.cli.attached import DETACH_KEYS, check_terminal, connect, streams_wanted, upgrade
from wirt.cli.options import Call, Flag, Verb
from wirt.client.transport import path

__all__ = ["VERB", "run"]

VERB = Verb(
    "exec",
    "Run a command in a running guest",
    args="GUEST COMMAND [ARG...]",
    interspersed=False,
    flags=(
        Flag("detach", "d", "switch", "leave it running and print nothing", field="detach"),
        Flag("interactive", "i", "switch", "connect our input", field="open_stdin"),
        Flag("tty", "t", "switch", "give it a terminal", field="tty"),
        Flag("env-file", "", "program.environment_file", "a file of variables", field="env", many="extend",
             complete="file"),
        Flag("env", "e", "program.environment", "a variable, NAME=value; NAME alone passes ours on", field="env",
             many="extend", metavar="variable"),
        Flag("user", "u", "text", "who runs it: name or uid[:group or gid]", field="user", metavar="user"),
        Flag("workdir", "w", "text", "its working directory", field="workdir", metavar="folder"),
        Flag("privileged", "", "switch", "every capability", field="privileged"),
        DETACH_KEYS,
    ),
    examples=(
        ("wirt exec -it web sh", "a shell in a running guest"),
        ("wirt exec db pg_dump shop >shop.sql", "a command's output"),
    ),
)  # fmt: skip


def run(call: Call) -> int:
    ref, *command = call.args
    spec = {**call.fields(), "command": command}
    target = path("guests", ref, "exec")
    if call["detach"]:
        call.transport.call("POST", target, json={"spec": spec})
        return 0
    tty, stdin = call["tty"], call["interactive"]
    check_terminal(tty=tty, stdin=stdin)
    connection = upgrade(call, target, {"spec": spec, **streams_wanted(call, tty=tty)})
    return connect(call, connection, tty=tty, stdin=stdin)
