"""``top``: the host's ps(1), with the processes of one guest left in."""

from __future__ import annotations

import subprocess

from wirt import errors
from wirt.model.host import TopView

__all__ = ["view"]

_DEFAULT_ARGS = "-ef"
_TIMEOUT = 10.0


def view(pids: list[int], ps_args: str) -> TopView:
    """``ps_args`` as for ``docker top``: whatever ps takes, as long as a column PID comes out."""
    args = (ps_args or _DEFAULT_ARGS).split()
    try:
        done = subprocess.run(["ps", *args], capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except FileNotFoundError:
        raise errors.Unavailable("ps is not installed", hint="apt install procps") from None
    if done.returncode:
        raise errors.InvalidInput(f"ps {ps_args}: {' '.join(done.stderr.split())[:200]}", hint="see ps(1)")
    return _filtered(done.stdout, {str(pid) for pid in pids})


def _filtered(output: str, wanted: set[str]) -> TopView:
    header, *lines = output.splitlines() or [""]
    titles = tuple(header.split())
    if "PID" not in titles:
        raise errors.InvalidInput("ps prints no column PID with these arguments", hint="add one: -o pid,...")
    column = titles.index("PID")
    rows = (tuple(line.split(None, len(titles) - 1)) for line in lines)
    return TopView(titles, tuple(row for row in rows if len(row) > column and row[column] in wanted))
