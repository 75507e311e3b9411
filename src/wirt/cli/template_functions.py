"""What templates can do with values: look fields up, say them as Go does, and the functions of Go and of Docker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from wirt.cli.listing import Row

__all__ = ["FUNCTIONS", "TemplateError", "as_text", "field", "truth"]


class TemplateError(Exception):
    """The template, or what it asks of its data, makes no sense."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


_SYNONYMS = {  # Docker's name, without case: ours
    "cmd": "command", "containers": "guests", "workingdir": "workdir", "repotags": "names", "nanocpus": "cpus",
    "memoryswap": "memory_swap", "readonlyrootfs": "read_only", "autoremove": "auto_remove", "openstdin": "open_stdin",
    "networkmode": "network", "dnsoptions": "dns_options", "extrahosts": "extra_hosts", "capadd": "cap_add",
    "destination": "target",
}  # fmt: skip


def field(owner: Any, name: str) -> Any:
    """The field ``name`` of ``owner``."""
    if isinstance(owner, Row):
        return _of_row(owner, name)
    if not isinstance(owner, dict):
        raise TemplateError(f"{as_text(owner)!r} has no field {name!r}")
    for found in (name, _find(owner, name), _find(owner, _SYNONYMS.get(_folded(name), name))):
        if found in owner:
            return owner[found]
    raise TemplateError(f"there is no field {name!r}", hint="known: " + ", ".join(owner))


def _of_row(row: Row, name: str) -> Any:
    cell = row.column(name)
    if cell is not None:
        return cell
    if name == "Label":
        labels = row.data.get("labels", {})
        return lambda label: labels.get(label, "")
    try:
        return field(row.data, name)
    except TemplateError as error:
        raise TemplateError(str(error), hint="known: " + ", ".join(row.names())) from None


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


def _find(owner: dict[str, Any], name: str) -> str | None:
    return next((key for key in owner if _folded(key) == _folded(name)), None)


def truth(value: Any) -> bool:
    """As in Go: false, 0, nil and everything empty are false."""
    return bool(value)


def as_text(value: Any) -> str:
    """As Go's ``%v``."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, dict):
        return "map[" + " ".join([f"{key}:{as_text(value[key])}" for key in sorted(value)]) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + " ".join([as_text(item) for item in value]) + "]"
    return str(value.data if isinstance(value, Row) else value)


def _json(value: Any) -> str:
    return json.dumps(value.data if isinstance(value, Row) else value, ensure_ascii=False, separators=(",", ":"))


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key, "" if all(isinstance(item, str) for item in value.values()) else None)
        elif isinstance(value, (list, tuple, str)):
            if not isinstance(key, int) or not 0 <= key < len(value):
                raise TemplateError(f"index {as_text(key)} is out of range")
            value = value[key]
        else:
            raise TemplateError(f"{as_text(value)!r} cannot be indexed")
    return value


def _slice(value: Any, *ends: int) -> Any:
    return value[slice(*ends)] if len(ends) > 1 else value[ends[0] if ends else 0 :]


def _and(*values: Any) -> Any:
    return next((value for value in values if not truth(value)), values[-1])


def _or(*values: Any) -> Any:
    return next((value for value in values if truth(value)), values[-1])


def _eq(first: Any, *others: Any) -> bool:
    return any(first == other for other in others)


def _printf(form: str, *values: Any) -> str:
    """Go's verbs, those that make sense here, by way of Python's."""
    import re

    rest = list(values)

    def fill(match: re.Match[str]) -> str:
        flags, verb = match.groups()
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        value = rest.pop(0)
        if verb == "q":
            return json.dumps(as_text(value), ensure_ascii=False)
        if verb in "vs":
            return ("%" + flags + "s") % as_text(value)
        if verb == "t":
            return as_text(bool(value))
        return str(("%" + flags + verb) % value)

    return re.sub(r"%([-+ 0#]*\d*(?:\.\d+)?)([a-zA-Z%])", fill, form)


def _truncate(value: str, length: int) -> str:
    return value[:length]


def _pad(value: str, before: int, after: int) -> str:
    return " " * before + value + " " * after if value else value


def _title(value: str) -> str:
    return value[:1].upper() + value[1:]


def _join(values: Any, separator: str) -> str:
    return separator.join([as_text(value) for value in values])


def _split(value: str, separator: str) -> list[str]:
    return value.split(separator) if separator else list(value)


def _print(*values: Any) -> str:
    return "".join([as_text(value) for value in values])


def _println(*values: Any) -> str:
    return " ".join([as_text(value) for value in values]) + "\n"


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": _json,
    "join": _join,
    "split": _split,
    "lower": lambda value: as_text(value).lower(),
    "upper": lambda value: as_text(value).upper(),
    "title": _title,
    "truncate": _truncate,
    "pad": _pad,
    "index": _index,
    "slice": _slice,
    "len": len,
    "print": _print,
    "printf": _printf,
    "println": _println,
    "and": _and,
    "or": _or,
    "not": lambda value: not truth(value),
    "eq": _eq,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}
