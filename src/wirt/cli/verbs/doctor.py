"""``wirt doctor``: what this host can do, what that means, and how to mend what it cannot."""

from __future__ import annotations

from wirt.cli.options import Call, Flag, Verb
from wirt.cli.style import on_output, plain, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "doctor",
    "Examine what this host can do, and how to mend what it cannot",
    flags=(Flag("format", "f", "text", "json, for a JSON object a line", metavar="format", choices=("json",)),),
    about="Leaves with exit code 1 if guests of some kind cannot run.",
    examples=(("wirt doctor", "before the first guest, and when one will not start"),),
)

_STYLES = {"ok": "green", "note": "cyan", "warn": "yellow", "fail": "red"}


def run(call: Call) -> int:
    findings = call.transport.call("GET", "/v1/doctor")
    if call["format"]:
        from wirt.client.wire import encode

        print("".join([encode(finding) + "\n" for finding in findings]), end="")
    else:
        _print(findings)
    return int(any(finding["level"] == "fail" for finding in findings))


def _print(findings: list[dict[str, Any]]) -> None:
    from textwrap import wrap

    wide = max((len(finding["subject"]) for finding in findings), default=0)
    indent = " " * (wide + 8)
    for finding in findings:
        mark = on_output(finding["level"].upper().ljust(4), _STYLES[finding["level"]])
        text = [finding["found"], finding["meaning"], finding["remedy"] and f"-> {finding['remedy']}"]
        room = max(width(100) - len(indent), 40)
        lines = [line for part in text if part for line in wrap(plain(part), room)]
        print(f"{mark}  {finding['subject'].ljust(wide)}  " + f"\n{indent}".join(lines))
    counts = {level: sum(finding["level"] == level for finding in findings) for level in _STYLES}
    print("\n" + ", ".join(f"{count} {level}" for level, count in counts.items() if count))
