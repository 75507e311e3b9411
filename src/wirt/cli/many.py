"""Verbs that do one thing to each of several: one failure does not keep the others from being tried."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["each"]


def each(names: Sequence[str], act: Callable[[str], object]) -> int:
    """Calls ``act`` with each name and prints what it gives, the name for None; the first failure's exit code, or 0."""
    worst = 0
    for name in names:
        try:
            said = act(name)
        except Exception as error:
            from wirt.cli.errors import report

            worst = worst or report(error)
        else:
            print(name if said is None else said, flush=True)
    return worst
