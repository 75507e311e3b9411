"""``wirt trace``: what the programs of a micro guest ask of the system, and the way of each call."""

from __future__ import annotations

import contextlib
import sys

from wirt.cli.attached import DETACH_KEYS, SIG_PROXY, check_terminal, connect, streams_wanted, upgrade
from wirt.cli.guest_flags import GUEST
from wirt.cli.guest_spec import guest_spec
from wirt.cli.options import Call, Flag, UsageError, Verb
from wirt.client.transport import path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, TextIO

    from wirt.cli.tracing import Viewer

__all__ = ["VERB", "calls_of", "run"]

_OURS = "ce"  # letters that mean here what they mean to strace
_NOT_OURS = frozenset(("restart", "cidfile"))  # the new guest ends with its trace


def _without_letters(flag: Flag) -> Flag:
    if not flag.short or flag.short not in _OURS:
        return flag
    return Flag(flag.name, "", flag.kind, flag.about, field=flag.field, many=flag.many, const=flag.const,
                metavar=flag.metavar, group=flag.group, choices=flag.choices, complete=flag.complete)  # fmt: skip


VERB = Verb(
    "trace",
    "Show each system call of a micro guest, and the way it takes",
    args="GUEST|IMAGE [COMMAND] [ARG...]",
    about="A guest that runs is watched until it ends, or until Ctrl-C, which leaves it running. Of an image a new "
    "guest is made, watched from its first step on, and removed when it exits. All processes are shown. What is marked "
    "as inside the guest would not have left it, but for the trace.",
    interspersed=False,
    flags=(
        Flag("summary", "c", "switch", "count calls, errors and times, and show them at the end", group="Trace"),
        Flag("expr", "e", "text", "only these calls: trace=open,read, a set (trace=file), all but (trace=!futex)",
             many="append", metavar="expression", group="Trace"),
        Flag("steps", "", "switch", "the whole way of each call: program, function library, monitor, host",
             group="Trace"),
        Flag("output", "o", "text", "write the trace to this file instead of standard error", metavar="file",
             complete="file", group="Trace"),
        Flag("format", "", "text", "json: an entry a line, with all there is", metavar="format", choices=("json",),
             group="Trace"),
        *(_without_letters(flag) for flag in GUEST if flag.name not in _NOT_OURS),
        SIG_PROXY,
        DETACH_KEYS,
    ),
    examples=(
        ("wirt trace busybox ls -l /", "what ls does"),
        ("wirt trace -c debian apt-get --version", "which calls there are, how many, and how long they take"),
        ("wirt trace --steps -e trace=read,write web", "the way of two calls, in a guest that runs"),
        ("wirt trace -e 'trace=!futex' -o calls.txt web", "everything but waiting, to a file"),
    ),
)  # fmt: skip


def run(call: Call) -> int:
    if call["summary"] and call["steps"]:
        raise UsageError("--summary conflicts with --steps", "trace")
    query = {"call": calls_of(call["expr"] or []), "steps": call["steps"], "arguments": not call["summary"]}
    with _output(call["output"]) as out:
        if len(call.args) == 1 and _is_guest(call, call.args[0]):
            return _watch(call, query, out)
        return _run(call, query, out)


def calls_of(expressions: list[str]) -> list[str]:
    """``trace=a,b``: as with strace ``trace=`` may be left out, and "!" before the list is for all of it."""
    names: list[str] = []
    for expression in expressions:
        kind, sign, value = expression.partition("=")
        if sign and kind not in ("trace", "t"):
            raise UsageError(f"-e {expression}: only trace=... is known", "trace")
        value = value if sign else kind
        without = "!" if value.startswith("!") else ""
        names += [without + name.strip().lstrip("!") for name in value.split(",") if name.strip()]
    return names


@contextlib.contextmanager
def _output(name: str | None) -> Iterator[TextIO]:
    if name is None:
        yield sys.stderr
        return
    with open(name, "w", encoding="utf-8") as file:
        yield file


def _is_guest(call: Call, ref: str) -> bool:
    from wirt.errors import NotFound

    try:
        call.transport.call("GET", path("guests", ref))
    except NotFound:
        return False
    return True


def _viewer(call: Call, out: TextIO, *, raw: bool = False) -> Viewer:
    from wirt.cli.tracing import viewer

    return viewer(out, summary=call["summary"], steps=call["steps"], json=call["format"] == "json", raw=raw)


def _watch(call: Call, query: dict[str, Any], out: TextIO) -> int:
    """A guest that runs."""
    from wirt.cli.tracing import follow

    view = _viewer(call, out)
    with contextlib.suppress(KeyboardInterrupt):
        follow(call.transport.request("GET", path("guests", call.args[0], "trace"), query=query), view)
    view.finish()
    return 0


def _run(call: Call, query: dict[str, Any], out: TextIO) -> int:
    """A new guest, from its first step to its end."""
    from threading import Thread

    from wirt.cli.tracing import follow

    tty, stdin = call["tty"], call["interactive"]
    check_terminal(tty=tty, stdin=stdin)
    body = streams_wanted(call, tty=tty, stdin=stdin, stdout=True, stderr=True)
    ref = _create(call)
    try:
        response = call.transport.request("GET", path("guests", ref, "trace"), query={**query, "start": True})
        view = _viewer(call, out, raw=tty)

        def show() -> None:
            with contextlib.suppress(BrokenPipeError):  # nobody reads the trace: the program goes on
                follow(response, view)

        watching = Thread(target=show, daemon=True)
        watching.start()
        connection = upgrade(call, path("guests", ref, "attach"), {**body, "start": True, "stdin_once": True})
    except BaseException:
        call.transport.call("DELETE", path("guests", ref), query={"force": True, "volumes": True})
        raise
    try:
        return connect(call, connection, tty=tty, stdin=stdin)
    finally:
        watching.join(_PATIENCE)
        with contextlib.suppress(BrokenPipeError):
            view.finish()


_PATIENCE = 10.0  # seconds for the rest of a trace, when the guest has ended


def _create(call: Call) -> str:
    """A new guest; its id."""
    from wirt.errors import NotFound

    spec = _spec(call)
    try:
        created = call.transport.call("POST", "/v1/guests", json=spec)
    except NotFound as error:
        if len(call.args) > 1:
            raise
        raise NotFound(
            f"there is neither a guest nor an image {call.args[0]}", hint="see wirt ps and wirt image ls"
        ) from error
    for warning in created.get("warnings") or ():
        print(f"wirt: warning: {warning}", file=sys.stderr)
    return str(created["id"])


def _spec(call: Call) -> dict[str, Any]:
    from wirt.errors import InvalidInput

    spec = guest_spec(call)
    kind = spec.setdefault("kind", "micro")
    if kind != "micro":
        raise InvalidInput(f"wirt trace shows micro guests, not a {kind}", hint="use strace in it")
    spec["auto_remove"] = True
    return spec
