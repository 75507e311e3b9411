"""``wirt info``: this host, and how much of it is in use."""

from __future__ import annotations

from wirt.cli.human import memory_size
from wirt.cli.inspecting import TEMPLATE
from wirt.cli.options import Call, Verb
from wirt.cli.style import on_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "info",
    "Show this host and how much of it is in use",
    flags=(TEMPLATE,),
    examples=(("wirt info -f '{{.Kinds}}'", "the kinds of guest it runs"),),
)


def run(call: Call) -> None:
    info = call.transport.call("GET", "/v1/info")
    if call["format"]:
        from wirt.cli.template import render

        print(render("{{json .}}" if call["format"] == "json" else call["format"], info))
        return
    lines = _lines(info)
    wide = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{on_output(name.ljust(wide), 'bold')}  {value}")
    for warning in info["warnings"]:
        print(f"{on_output('warning:', 'yellow')} {warning}")


def _lines(info: dict[str, Any]) -> list[tuple[str, str]]:
    counted = ("running", "paused", "stopped")
    return [
        ("Host", f"{info['name']}, {info['os']}, Linux {info['kernel']} ({info['architecture']})"),
        ("Size", f"{info['cpus']} processors, {memory_size(info['memory'])} of memory"),
        ("Guests", f"{info['guests']}: " + ", ".join(f"{info[f'guests_{word}']} {word}" for word in counted)),
        ("Images", str(info["images"])),
        ("Kinds", ", ".join(info["kinds"])),
        ("Runtime", info["runtime"] or "none"),
        ("Control groups", info["cgroup"]),
        ("State", info["state_dir"]),
        ("Run", info["run_dir"]),
        ("Daemon", f"wirt {info['version']}"),
    ]
