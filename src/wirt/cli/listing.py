"""What every ``ls`` does with its rows: a table, ids alone, JSON lines, or a template of the user's.

A column has the name Docker's templates know it by, and turns a row of the daemon's JSON into text. Templates see the
columns first and then the row's own fields, so ``{{.Ports}}`` is text and ``{{.image_id}}`` works as well.
"""

from __future__ import annotations

from wirt.cli.options import Flag
from wirt.cli.table import print_table
from wirt.client.wire import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from wirt.cli.options import Call

__all__ = ["FILTER", "FORMAT", "NO_TRUNC", "QUIET", "Column", "Row", "labels_text", "show"]

FORMAT = Flag(
    "format", "", "text", "table, json, or a template: '{{.Names}}: {{.Status}}', 'table {{.ID}}\\t{{.Names}}'",
    metavar="format", complete="table json",
)  # fmt: skip
FILTER = Flag("filter", "f", "scalars.filter_", "only those that match name=value", many="append", metavar="filter")
QUIET = Flag("quiet", "q", "switch", "ids only")
NO_TRUNC = Flag("no-trunc", "", "switch", "show everything in full")


class Column:
    """``value``: the key of a plain field, or what makes the cell of a row; ``full``: the same without shortening."""

    __slots__ = ("_full", "_value", "header", "name")

    def __init__(
        self,
        name: str,
        header: str,
        value: str | Callable[[dict[str, Any]], str],
        *,
        full: str | Callable[[dict[str, Any]], str] = "",
    ) -> None:
        self.name, self.header, self._value, self._full = name, header, value, full or value

    def text(self, row: dict[str, Any], *, full: bool) -> str:
        value = self._full if full else self._value
        return str(row[value] if isinstance(value, str) else value(row))


def labels_text(row: dict[str, Any]) -> str:
    """``a=b,c=d``"""
    return ",".join([f"{name}={value}" for name, value in row["labels"].items()])


class Row:
    """One row as templates see it: columns by name, then fields of the JSON behind it."""

    __slots__ = ("_columns", "_full", "data")

    def __init__(self, data: dict[str, Any], columns: Sequence[Column], *, full: bool) -> None:
        self.data, self._columns, self._full = data, columns, full

    def names(self) -> list[str]:
        return [*(column.name for column in self._columns), *self.data]

    def column(self, name: str) -> str | None:
        """The cell of the column ``name`` in whatever case; None where there is no such column."""
        for column in self._columns:
            if column.name.lower() == name.lower():
                return column.text(self.data, full=self._full)
        return None


def show(
    call: Call,
    rows: Sequence[dict[str, Any]],
    columns: Sequence[Column],
    shown: Sequence[str],
    *,
    quiet: str = "",
) -> None:
    """Prints ``rows`` as ``call`` asks; ``shown`` names the columns of the plain table, ``quiet`` that of ``-q``."""
    full = bool(call.options.get("no-trunc"))
    form = call["format"] or "table"
    if quiet and call["quiet"] and form == "table":
        names = [column.text(row, full=full) for column in columns if column.name == quiet for row in rows]
        print("".join([f"{name}\n" for name in names]), end="")
    elif form == "json":
        print("".join([encode(row) + "\n" for row in rows]), end="")
    elif form == "table":
        chosen = [column for name in shown for column in columns if column.name == name]
        cells = [[column.text(row, full=full) for column in chosen] for row in rows]
        print_table([column.header for column in chosen], cells, cut=not full)
    else:
        from wirt.cli.template import print_rows

        print_rows(form, [Row(row, columns, full=full) for row in rows], columns)
