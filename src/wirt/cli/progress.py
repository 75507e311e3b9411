"""Long work of the daemon: bars where a person looks, a line a step elsewhere, nothing for ``--quiet``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack

from wirt.cli.human import decimal_size
from wirt.cli.options import Flag
from wirt.cli.style import is_terminal, plain
from wirt.client.errors import error_from_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["QUIET", "finished"]

QUIET = Flag("quiet", "q", "switch", "no progress, and only what was made")


def finished(reports: Iterable[dict[str, Any]], *, quiet: bool) -> list[tuple[str, list[str]]]:
    """Shows the progress in ``reports`` (the daemon's WorkReport) and gives id and names of the images made."""
    images = []
    with ExitStack() as stack:
        tell = _silence if quiet else _bars(stack) if is_terminal(sys.stderr) else _lines()
        for report in reports:
            if report.get("error"):
                raise error_from_body(report["error"])
            if report.get("progress"):
                tell(report["progress"])
            if report.get("image"):
                images.append((report["image"], list(report.get("names") or ())))
    return images


def _silence(_: dict[str, Any]) -> None:
    pass


def _lines() -> Callable[[dict[str, Any]], None]:
    """A line whenever a task says something new."""
    said: dict[str, str] = {}

    def tell(progress: dict[str, Any]) -> None:
        text = plain(progress.get("text") or progress["task"])
        if said.get(progress["task"]) != text:
            said[progress["task"]] = text
            print(text, file=sys.stderr, flush=True)

    return tell


def _bars(stack: ExitStack) -> Callable[[dict[str, Any]], None]:
    """A bar for every task, gone at the end: what was made is said then."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="[green]\u2713"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(),
    )
    bars = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
    known: dict[str, Any] = {}

    def tell(progress: dict[str, Any]) -> None:
        task, total = progress["task"], progress.get("total") or None
        if task not in known:
            known[task] = bars.add_task("", total=total, amount="")
        text = escape(plain(progress.get("text") or task))
        bars.update(known[task], description=text, completed=progress["done"], total=total, amount=_amount(progress))

    return tell


def _amount(progress: dict[str, Any]) -> str:
    done, total = progress.get("done") or 0, progress.get("total") or 0
    if progress.get("unit") == "bytes":
        return f"{decimal_size(done)}/{decimal_size(total)}" if total else decimal_size(done) if done else ""
    return f"{done}/{total}" if total else ""
