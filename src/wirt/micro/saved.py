"""A micro guest that was saved: the files of one in a folder.

``state`` is what its monitor said of it, so it is read in a jail only; ``memory`` holds pieces of its memory, one after
the other, and ``pieces.json`` says which: pairs of guest-physical address and size.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from wirt.sentry.descriptors import hide

__all__ = ["MEMORY", "PIECES", "STATE", "SavedGuest", "open_saved"]

STATE, MEMORY, PIECES = "state", "memory", "pieces.json"


class SavedGuest(NamedTuple):
    """``memory``: a descriptor, out of the guest's reach."""

    state: bytes
    memory: int
    pieces: tuple[tuple[int, int], ...]


def open_saved(folder: str) -> SavedGuest:
    """While the host's files are in sight. ``OSError`` when they are not there."""
    path = Path(folder)
    pieces = tuple((phys, size) for phys, size in json.loads((path / PIECES).read_bytes()))
    memory = hide(os.open(path / MEMORY, os.O_RDONLY | os.O_CLOEXEC))
    return SavedGuest((path / STATE).read_bytes(), memory, pieces)
