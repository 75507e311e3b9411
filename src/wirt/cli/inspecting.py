"""What the ``inspect`` verbs share: a JSON array of what was found, or a template for each, and a word for the rest."""

from __future__ import annotations

import json
import sys

from wirt.cli.options import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from wirt.cli.options import Call

__all__ = ["TEMPLATE", "as_docker_has_it", "inspect"]

TEMPLATE = Flag("format", "f", "text", "a template: '{{.State.Status}}', or json", metavar="format", complete="json")


def inspect(call: Call, names: Sequence[str], look: Callable[[str], dict[str, Any]]) -> int:
    """Prints what ``look`` finds for each of ``names``; the exit code is that of the first it did not find."""
    found, code = [], 0
    for name in names:
        try:
            found.append(look(name))
        except Exception as error:
            from wirt.cli.errors import report

            code = code or report(error)
    if call["format"] and call["format"] != "json":
        from wirt.cli.template import compile_template

        filled = compile_template(call["format"])
        for each in found:
            print(filled(as_docker_has_it(each)))
    elif call["format"] == "json":
        print("".join([json.dumps(each, ensure_ascii=False) + "\n" for each in found]), end="")
    else:
        json.dump(found, sys.stdout, indent=4, ensure_ascii=False)
        print()
    return code


def as_docker_has_it(view: dict[str, Any]) -> dict[str, Any]:
    """``view`` with the places where Docker's users look for some of a guest's settings; for templates only."""
    config = view.get("config")
    if not isinstance(config, dict) or "resources" not in config:
        return view
    restart = config["restart"]
    host = {
        **{name: 0 if value is None else value for name, value in config["resources"].items()},
        **config,
        "network_mode": config["network"],
        "port_bindings": config["ports"],
        "restart_policy": {"name": restart["mode"], "maximum_retry_count": restart["max_retries"]},
    }
    merged = {**config, "env": view["env"], "labels": view["labels"]}
    return {**view, "config": merged, "host_config": host}
