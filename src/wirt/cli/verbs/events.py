"""``wirt events``: what happens on this host."""

from __future__ import annotations

import json
from datetime import datetime

from wirt.cli.listing import FILTER
from wirt.cli.options import Call, Flag, Verb
from wirt.cli.style import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "events",
    "Show what happens on this host, as it happens",
    flags=(
        Flag("since", "", "scalars.moment", "what happened from this time on as well: 10m (ago), a date, Unix seconds",
             metavar="time"),
        Flag("until", "", "scalars.moment", "up to this time", metavar="time"),
        FILTER,
        Flag("format", "", "text", "json, or a template", metavar="format", complete="json"),
    ),
    about="Filters: type, event, guest, image, network, volume, label.",
    examples=(
        ("wirt events --filter type=guest", "guests come and go"),
        ("wirt events --since 1h --until 0s", "the last hour, and no waiting"),
    ),
)  # fmt: skip


def run(call: Call) -> None:
    query = {"since": call["since"], "until": call["until"], "filter": call["filter"]}
    line = _format(call["format"])
    for event in call.transport.follow("GET", "/v1/events", query=query):
        print(line(event), flush=True)


def _format(form: str | None) -> Any:
    if form == "json":
        return lambda event: json.dumps(event, ensure_ascii=False)
    if form:
        from wirt.cli.template import compile_template

        return compile_template(form)
    return _line


def _line(event: dict[str, Any]) -> str:
    when = datetime.fromtimestamp(event["time"]).astimezone().isoformat(timespec="milliseconds")
    about = ", ".join(f"{name}={value}" for name, value in sorted(event["attributes"].items()))
    return plain(f"{when} {event['type']} {event['action']} {event['id']}" + (f" ({about})" if about else ""))
