"""Where ``wirt cp`` puts things, by the rules of cp(1) that Docker's users know.

A source that ends in ``/.`` stands for what is in it. A folder goes *into* a destination that exists, and *becomes*
one that does not; a file replaces a file, and goes into a folder. The destination's parent must exist.
"""

from __future__ import annotations

import os
import posixpath
import stat
from typing import NamedTuple

from wirt.errors import InvalidInput, NotFound

__all__ = ["Place", "contents_meant", "local_mode", "place", "split"]


class Place(NamedTuple):
    """What to do at the destination: make the source in ``folder`` and call it ``name`` ("": its contents only).

    ``make``: the folder itself is to be made first.
    """

    folder: str
    name: str
    make: bool = False


def split(argument: str) -> tuple[str, str]:
    """Guest and path of ``GUEST:PATH``; no guest for a path of ours, which may have a colon after a slash or a dot."""
    guest, colon, path = argument.partition(":")
    if not colon or not guest or guest.startswith((".", "/")) or "/" in guest:
        return "", argument
    if not path:
        raise InvalidInput(f"{argument!r} has no path", hint="write GUEST:/path")
    return guest, path


def contents_meant(path: str) -> bool:
    """Whether what is in the folder is meant, and not the folder."""
    return posixpath.basename(path) == "."


def place(source: str, source_mode: int, target: str, target_mode: int | None) -> Place:
    """Where ``source`` goes. Modes are st_mode(2), links resolved; None where there is no ``target`` yet."""
    from_folder = stat.S_ISDIR(source_mode)
    if source.endswith(("/", "/.")) and not from_folder:
        raise InvalidInput(f"{source} is not a folder")
    name = posixpath.basename(posixpath.normpath(source))
    wants_folder = target.endswith("/") or posixpath.basename(target) in (".", "..")
    if target_mode is not None and stat.S_ISDIR(target_mode):
        return Place(target, "" if from_folder and contents_meant(source) else name)
    if target_mode is not None and (from_folder or wants_folder):
        what = "a folder cannot replace it" if from_folder else "it is not a folder"
        raise InvalidInput(f"cannot copy to {target}: {what}")
    if target_mode is None and wants_folder and not from_folder:
        raise NotFound(f"there is no folder {target}", hint="without the slash, the file would get that name")
    clean = posixpath.normpath(target)
    if from_folder and target_mode is None:
        return Place(clean, "", make=True)
    return Place(posixpath.dirname(clean) or ".", posixpath.basename(clean))


def local_mode(path: str) -> int | None:
    """st_mode(2) of what ``path`` leads to; None where there is nothing."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None
