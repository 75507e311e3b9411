"""Columns of text, as wide as they need to be; on a terminal no wider than it, with an ellipsis where that cuts."""

from __future__ import annotations

import sys

from wirt.cli.style import is_terminal, on_output, plain, width

__all__ = ["print_table"]

_GAP = 3
_LEAST = 8  # columns narrower than this are not cut further


def print_table(header: list[str], rows: list[list[str]], *, cut: bool = True) -> None:
    """``cut``: lines may be shortened to the width of a terminal, the widest columns first and the first one never."""
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    if cut and is_terminal(sys.stdout):
        _shrink(widths, width() - _GAP * (len(widths) - 1))
    print(on_output(_line(header, widths), "bold"))
    for row in rows:
        print(_line(row, widths))


def _shrink(widths: list[int], room: int) -> None:
    """Takes from the widest column until the sum fits, or no column can give more."""
    while sum(widths) > room and len(widths) > 1:
        widest = max(range(1, len(widths)), key=widths.__getitem__)
        if widths[widest] <= _LEAST:
            return
        widths[widest] -= 1


def _line(cells: list[str], widths: list[int]) -> str:
    shown = [
        (cell if len(cell) <= space else cell[: space - 1] + "\u2026").ljust(space)
        for cell, space in zip(cells, widths, strict=True)
    ]
    return (" " * _GAP).join(shown).rstrip()
