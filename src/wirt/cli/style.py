"""Colours, where a person looks and wants them (https://no-color.org), and text that cannot upset a terminal."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["is_terminal", "on_error", "on_output", "plain", "width"]

_CODES = {"bold": "1", "dim": "2", "red": "1;31", "green": "32", "yellow": "33", "cyan": "36"}


def is_terminal(stream: TextIO) -> bool:
    return stream is not None and stream.isatty()


def on_output(text: str, style: str) -> str:
    """``text`` in a style (a word of ours) if standard output shows it."""
    return _styled(text, style, sys.stdout)


def on_error(text: str, style: str) -> str:
    """``text`` in a style if standard error shows it."""
    return _styled(text, style, sys.stderr)


def plain(text: str) -> str:
    """``text`` without control characters: guests choose names, labels and commands, and would drive the terminal."""
    return text if text.isprintable() else "".join([c if c.isprintable() else "\ufffd" for c in text])


def width(default: int = 80) -> int:
    """Columns of the terminal that standard output goes to; ``default`` where it goes elsewhere."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return int(os.environ["COLUMNS"]) or default
    try:
        return os.get_terminal_size(1).columns or default
    except OSError:
        return default


def _styled(text: str, style: str, stream: TextIO) -> str:
    if not style or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_terminal(stream):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
