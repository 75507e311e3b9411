"""``filter=name=value`` query parameters. Which names there are, and what they mean, the engine knows."""

from __future__ import annotations

from collections.abc import Iterable

from wirt.errors import InvalidInput

__all__ = ["parse_filters"]


def parse_filters(given: Iterable[str]) -> dict[str, list[str]]:
    """``["label=a=b", "status=running"]`` as name -> values."""
    filters: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InvalidInput(f"filter {text!r} has no value", hint="write name=value")
        filters.setdefault(name, []).append(value)
    return filters
