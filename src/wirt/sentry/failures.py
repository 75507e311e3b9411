"""How a handler says that a call fails."""

from __future__ import annotations

import os
from typing import NoReturn

__all__ = ["fail"]


def fail(number: int) -> NoReturn:
    """``OSError`` with an errno, which the guest gets."""
    raise OSError(number, os.strerror(number))
