"""The user's terminal: its size, and raw mode that always ends."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["RawMode", "window_size"]


def window_size(*fds: int) -> tuple[int, int]:
    """Rows and columns of the first of ``fds`` that is a terminal with a size; (0, 0) where none is."""
    for fd in fds:
        try:
            columns, rows = os.get_terminal_size(fd)
        except OSError:
            continue
        if rows and columns:
            return rows, columns
    return 0, 0


class RawMode:
    """While it lasts, every key goes to the guest as it is: no echo, no line editing, no signals from keys.

    Does nothing for ``fd`` None. Safe to leave more than once.
    """

    def __init__(self, fd: int | None) -> None:
        self._fd = fd
        self._saved: list[Any] | None = None

    def __enter__(self) -> RawMode:
        if self._fd is not None:
            import termios
            import tty

            self._saved = termios.tcgetattr(self._fd)
            tty.setraw(self._fd, termios.TCSANOW)  # keys typed ahead belong to the guest as well
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd is not None and self._saved is not None:
            import termios

            saved, self._saved = self._saved, None
            termios.tcsetattr(self._fd, termios.TCSADRAIN, saved)
