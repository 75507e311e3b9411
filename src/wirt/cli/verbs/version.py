"""``wirt version``: which wirt this is, and which the daemon."""

from __future__ import annotations

from wirt.cli.inspecting import TEMPLATE
from wirt.cli.options import Call, Flag, Verb
from wirt.errors import WirtError
from wirt.version import VERSION

__all__ = ["VERB", "run"]

VERB = Verb(
    "version",
    "Show the versions of this command and of the daemon",
    flags=(Flag("short", "", "switch", "of this command only"), TEMPLATE),
    examples=(("wirt version -f '{{.Server.Version}}'", "the daemon's"),),
)


def run(call: Call) -> int:
    if call["short"]:
        print(f"wirt {VERSION}")
        return 0
    if call["format"]:
        from wirt.cli.template import render

        found = {"client": {"version": VERSION}, "server": call.transport.call("GET", "/v1/version")}
        print(render("{{json .}}" if call["format"] == "json" else call["format"], found))
        return 0
    print(f"command  wirt {VERSION}")
    try:
        server = call.transport.call("GET", "/v1/version")
    except WirtError as error:
        from wirt.cli.errors import report

        return report(error)
    print(f"daemon   wirt {server['version']}, API {server['api']}, Python {server['python']}")
    print(f"host     Linux {server['kernel']}, {server['architecture']}")
    return 0
