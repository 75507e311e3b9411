"""What passes between who has a guest written down and its monitors: the order's words, and a guest as ``resume`` takes
it. Light: the daemon has it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["AREA", "ORDER", "Piece", "SavedGuest", "SavedProcess"]

ORDER = "save"
AREA = struct.Struct("<QQQ")  # guest-physical address, size, 1 if all of it is wanted and not only what was touched

Piece = tuple[int, int, int]  # guest-physical address, size, offset in the file


@dataclass(frozen=True, slots=True)
class SavedProcess:
    """``pid``: the guest's number. ``state``: what the order ``save`` wrote. ``files``: descriptor -> number of the
    open file."""

    pid: int
    state: bytes
    pieces: tuple[Piece, ...]
    files: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class SavedGuest:
    """``processes``: the first one first. ``pairs``: inode of a unix socket -> that of its other end. ``memory``: the
    file with the pieces, out of the guest's reach. ``tmpfs``: places in the guest, each with a descriptor of an archive
    of what was there."""

    processes: tuple[SavedProcess, ...]
    pairs: Mapping[int, int]
    memory: int
    tmpfs: tuple[tuple[str, int], ...] = ()
