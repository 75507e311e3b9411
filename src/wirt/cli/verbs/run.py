"""``wirt run``: a guest from an image, started, and by default attached to."""

from __future__ import annotations

from wirt.cli.attached import DETACH_KEYS, SIG_PROXY, check_terminal, connect, streams_wanted, upgrade
from wirt.cli.guest_flags import GUEST
from wirt.cli.guest_spec import IdFile, announce, guest_spec, show_warnings
from wirt.cli.options import Call, Flag, UsageError, Verb

__all__ = ["VERB", "run"]

VERB = Verb(
    "run",
    "Create a guest from an image and start it",
    args="IMAGE [COMMAND] [ARG...]",
    about="Without -d the guest's output is shown until it exits, and its exit code is the command's.",
    interspersed=False,
    flags=(
        Flag("detach", "d", "switch", "leave it running in the background and print its id"),
        *GUEST,
        Flag(
            "attach", "a", "text", "only these of stdin, stdout and stderr",
            many="append", metavar="stream", choices=("stdin", "stdout", "stderr"), group="Streams",
        ),
        SIG_PROXY,
        DETACH_KEYS,
    ),
    examples=(
        ("wirt run --rm -it debian bash", "a shell in a throw-away guest"),
        ("wirt run --rm -it --micro debian bash", "the same in virtual machines of its own, for what is not trusted"),
        ("wirt run -d --name web -p 8080:80 -v site:/var/www web:1", "a server in the background"),
        ("wirt run --rm --network none -m 64m --cpus 0.5 busybox ls -l /", "one command, on a short leash"),
        ('tar c src | wirt run -i --rm debian sh -c "tar x && make -C src"', "input from a pipe"),
    ),
)  # fmt: skip


def run(call: Call) -> int:
    spec = guest_spec(call)
    with IdFile(call["cidfile"]) as id_file:
        if call["detach"]:
            return _run_detached(call, spec, id_file)
        wanted = call["attach"] or ["stdout", "stderr", *(["stdin"] if call["interactive"] else [])]
        stdin = "stdin" in wanted and call["interactive"]
        check_terminal(tty=call["tty"], stdin=stdin)
        body = streams_wanted(call, tty=call["tty"], stdin=stdin, stdout="stdout" in wanted, stderr="stderr" in wanted)
        connection = upgrade(call, "/v1/guests/run", {"spec": spec, **body})
        id_file.write(connection.headers.get("wirt-guest", ""))
        if "wirt-warnings" in connection.headers:
            import json

            show_warnings({"warnings": json.loads(connection.headers["wirt-warnings"])})
        return connect(call, connection, tty=call["tty"], stdin=stdin)


def _run_detached(call: Call, spec: dict[str, object], id_file: IdFile) -> int:
    if call["attach"]:
        raise UsageError("--attach conflicts with --detach", "run")
    created = call.transport.call("POST", "/v1/guests/run", json={"spec": spec})
    return announce(created, id_file)
