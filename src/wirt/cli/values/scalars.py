"""Numbers, sizes, durations, moments, and the plainer texts."""

from __future__ import annotations

__all__ = [
    "count", "duration", "filter_", "integer", "label", "moment", "number", "pair", "pids", "seconds", "size", "swap",
    "tail",
]  # fmt: skip

_SIZES = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "p": 1 << 50}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("not a whole number") from None


def count(text: str) -> int:
    """A number that cannot be below zero."""
    value = integer(text)
    if value < 0:
        raise ValueError("below zero")
    return value


def pids(text: str) -> int:
    """A limit of processes: 0 and below mean none, as in Docker."""
    return integer(text) if integer(text) > 0 else -1


def number(text: str) -> float:
    """A positive number: 1.5 CPUs."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("not a number") from None
    if not 0 < value < 1e6:
        raise ValueError("not above zero")
    return value


def size(text: str) -> int:
    """Bytes: 1048576, 64k, 1.5g, 2GiB. Powers of 1024, whatever the letter's case."""
    digits = text.rstrip("bBkKmMgGtTpPiI")
    unit = text[len(digits) :].lower() or "b"
    try:
        value = float(digits)
    except ValueError:
        value = -1.0
    if unit[0] not in _SIZES or unit[1:] not in ("", "b", "i", "ib") or not 0 <= value < 1e18:
        raise ValueError("not a size: write 64m, 1.5g or a number of bytes")
    return int(value * _SIZES[unit[0]])


def swap(text: str) -> int:
    """A size, or -1 for no limit."""
    return -1 if text == "-1" else size(text)


def duration(text: str) -> float:
    """Seconds: 30s, 1m30s, 500ms, 1.5h; a bare number is seconds."""
    try:
        value = float(text)
    except ValueError:
        value = _units(text)
    if not 0 <= value < 1e12:
        raise ValueError("not a duration: write 30s, 1m30s or 500ms")
    return value


def seconds(text: str) -> int:
    """Whole seconds to wait; -1 for as long as it takes."""
    value = integer(text)
    if value < -1:
        raise ValueError("below zero")
    return value


def moment(text: str) -> float:
    """Unix seconds: a duration ago (10m), a Unix time (1700000000), or a date and time (2024-05-01T12:00:00Z)."""
    import time

    try:
        return float(text)
    except ValueError:
        pass
    try:
        return time.time() - _units(text)
    except ValueError:
        pass
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ValueError("not a time: write 10m (ago), 2024-05-01T12:00:00Z or Unix seconds") from None


def tail(text: str) -> int | None:
    """A number of lines; "all" or anything below zero is None."""
    if text == "all" or integer(text) < 0:
        return None
    return integer(text)


def pair(text: str) -> dict[str, str]:
    """``name=value``."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError("write name=value")
    return {name: value}


def label(text: str) -> dict[str, str]:
    """``name=value``, or ``name`` alone for an empty value."""
    name, _, value = text.partition("=")
    if not name:
        raise ValueError("a label needs a name")
    return {name: value}


def filter_(text: str) -> str:
    """``name=value``, passed on as it is."""
    pair(text)
    return text


def _units(text: str) -> float:
    total, rest = 0.0, text
    while rest:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789."))]
        rest = rest[len(digits) :]
        unit = rest[: len(rest) - len(rest.lstrip("nuµmshd"))]
        rest = rest[len(unit) :]
        if unit not in _SECONDS or not digits.strip(".") or digits.count(".") > 1:
            raise ValueError("not a duration: write 30s, 1m30s or 500ms")
        total += float(digits) * _SECONDS[unit]
    if not text:
        raise ValueError("not a duration: write 30s, 1m30s or 500ms")
    return total
