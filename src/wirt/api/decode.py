"""JSON bodies become dataclasses of ``wirt.model``; what does not fit is named in one line.

msgspec checks types and is fast, but passes over names it does not know. A misspelt option that is silently without
effect is the worst answer an API can give, so names are checked here.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from typing import Any, TypeVar

import msgspec

from wirt.errors import InvalidInput

__all__ = ["decode", "parse", "shape"]

T = TypeVar("T")

# What msgspec says: "Expected `int | null`, got `str` - at `$.resources.memory`"
_COMPLAINT = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$?\.?(?P<where>[^`]*)`)?", re.DOTALL)
_QUOTED = re.compile(r"`([^`]*)`")
_TYPES = {
    "object": "an object",
    "array": "a list",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}


def decode(body: bytes | bytearray, into: type[T]) -> T:
    """The ``into`` that ``body`` describes. ``InvalidInput`` names the field that is wrong, missing or unknown."""
    return shape(parse(body), into)


def parse(body: bytes | bytearray) -> Any:
    """Plain values out of JSON."""
    if not body:
        raise InvalidInput("the body is empty", hint="send a JSON object")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the body is not JSON: {error}", hint="send a JSON object, in UTF-8") from error


def shape(raw: Any, into: type[T]) -> T:
    """The ``into`` that plain values out of JSON describe."""
    _check_names(raw, into, "")
    try:
        return msgspec.convert(raw, into)
    except msgspec.ValidationError as error:
        raise InvalidInput(_one_line(str(error))) from error


def _check_names(raw: Any, into: type, where: str) -> None:
    if not isinstance(raw, dict):
        return  # msgspec says it better
    known = _nested(into)
    for name, value in raw.items():
        if name not in known:
            raise InvalidInput(f"unknown field {where + name!r}", hint=_suggestion(name, list(known)))
        if (inner := known[name]) is None:
            continue
        if isinstance(value, list):
            for index, each in enumerate(value):
                _check_names(each, inner, f"{where}{name}[{index}].")
        else:
            _check_names(value, inner, f"{where}{name}.")


def _suggestion(name: str, known: list[str]) -> str:
    import difflib

    if near := difflib.get_close_matches(name, known, n=1):
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(known)}"


@functools.cache
def _nested(into: type) -> dict[str, type | None]:
    """Field name -> the dataclass that its value, or each member of its value, must be; None for plain values."""
    hints = typing.get_type_hints(into)
    return {field.name: _dataclass_in(hints[field.name]) for field in dataclasses.fields(into)}


def _dataclass_in(hint: Any) -> type | None:
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint
    if typing.get_origin(hint) in (tuple, list, types.UnionType, typing.Union):
        return next((found for part in typing.get_args(hint) if (found := _dataclass_in(part))), None)
    return None


def _one_line(complaint: str) -> str:
    match = _COMPLAINT.fullmatch(complaint)
    what, where = (match["what"], match["where"]) if match else (complaint, None)
    what = _QUOTED.sub(_plain, what[:1].lower() + what[1:])
    return f"{where or 'the body'}: {what}"


def _plain(quoted: re.Match[str]) -> str:
    """One of msgspec's types ("int | null") in words; anything else stays in quotes."""
    parts = quoted[1].split(" | ")
    return " or ".join(_TYPES[part] for part in parts) if all(part in _TYPES for part in parts) else f"'{quoted[1]}'"
