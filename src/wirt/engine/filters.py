"""``--filter``, alike for all things: of one name any value must hold (of labels every), of several names all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from wirt.errors import InvalidInput

__all__ = ["Filters", "keep", "matches_label", "matches_name", "truth"]

Thing = TypeVar("Thing")
Filters = Mapping[str, list[str]]


def keep(
    things: Iterable[Thing], filters: Filters | None, tests: Mapping[str, Callable[[Thing, str], bool]], what: str
) -> list[Thing]:
    """The ``things`` that pass; ``tests`` says what can be filtered by. ``InvalidInput`` names what cannot."""
    filters = filters or {}
    for name in filters:
        if name not in tests:
            raise InvalidInput(f"{what} cannot be filtered by {name!r}", hint=f"use {', '.join(tests)}")
    return [
        thing
        for thing in things
        if all(
            (all if name == "label" else any)(tests[name](thing, value) for value in values)
            for name, values in filters.items()
        )
    ]


def matches_label(labels: Mapping[str, str], wanted: str) -> bool:
    """``key`` or ``key=value``."""
    key, separator, value = wanted.partition("=")
    return labels.get(key) == value if separator else key in labels


def matches_name(name: str, pattern: str) -> bool:
    """A regular expression found anywhere in the name, as Docker's ``name`` filters are."""
    try:
        return re.search(pattern, name) is not None
    except re.error as error:
        raise InvalidInput(f"{pattern!r} is no regular expression: {error}") from error


def truth(text: str) -> bool:
    if text.lower() in ("1", "true", "t", "yes"):
        return True
    if text.lower() in ("0", "false", "f", "no"):
        return False
    raise InvalidInput(f"{text!r} is neither true nor false")
