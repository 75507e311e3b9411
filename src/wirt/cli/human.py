"""Sizes, times and ids as people read them, in the words Docker's users know."""

from __future__ import annotations

import time

__all__ = ["ago", "date", "decimal_size", "duration", "familiar", "memory_size", "short_id"]


def decimal_size(count: float) -> str:
    """Bytes in powers of 1000, three digits: 4.26MB."""
    return _size(count, 1000.0, ("B", "kB", "MB", "GB", "TB", "PB"), 3)


def memory_size(count: float) -> str:
    """Bytes in powers of 1024, four digits: 1.952GiB."""
    return _size(count, 1024.0, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"), 4)


def _size(count: float, base: float, units: tuple[str, ...], digits: int) -> str:
    index = 0
    while count >= base and index < len(units) - 1:
        count /= base
        index += 1
    text = f"{count:.{digits}g}"
    return f"{count:.0f}{units[index]}" if "e" in text else text + units[index]


_UNITS = ((48, "hour", 1), (14 * 24, "day", 24), (60 * 24, "week", 7 * 24), (730 * 24, "month", 30 * 24))


def duration(seconds: float) -> str:
    """``3 minutes``: one unit, no fractions. A unit serves until there are two of the next, as in Docker."""
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return _many(int(seconds), "second")
    if seconds < 3600:
        return "About a minute" if seconds < 120 else _many(int(seconds // 60), "minute")
    hours = round(seconds / 3600)
    if hours == 1:
        return "About an hour"
    for below, unit, length in _UNITS:
        if hours < below:
            return _many(hours // length, unit)
    return _many(hours // (365 * 24), "year")


def ago(moment: float) -> str:
    """``3 minutes ago``, of Unix seconds; N/A for none."""
    return f"{duration(max(0.0, time.time() - moment))} ago" if moment else "N/A"


def date(moment: float) -> str:
    """Unix seconds in local time, to the second, with the zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z %Z", time.localtime(moment)) if moment else "N/A"


def short_id(text: str) -> str:
    """The first twelve digits, without the algorithm: what a person compares."""
    return text.removeprefix("sha256:")[:12]


def familiar(name: str) -> str:
    """A full image reference as people write it: without the default registry and namespace."""
    return name.removeprefix("docker.io/").removeprefix("library/")


def _many(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
