"""What a guest changed in its root: an overlay's upper folder against the layers below, told as ``docker diff`` does.

Added, modified and deleted paths, sorted. A folder with changed content counts as modified; of a deleted folder only
the folder itself is told; a folder's time and size say nothing. The upper folder may be a running guest's: it is walked
by descriptors that cannot leave it. The layers do not change and are walked by path.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wirt.host.openat2 import open_in_root
from wirt.model.host import Change, ChangeKind

__all__ = ["PLACEHOLDERS", "changes", "placeholders"]

PLACEHOLDERS = frozenset(
    ("/dev", "/etc", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf", "/proc", "/sys")
)
"""What is made in the root of an image that lacks it, to mount the guest's own there: no change of the guest's."""

_OPAQUE = "trusted.overlay.opaque"
_CAPABILITY = "security.capability"


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of the upper tree ("": its root), and the layers' folders that show through it, topmost first."""

    path: str
    below: tuple[Path, ...]


def changes(upper: Path, lower: Sequence[Path]) -> list[Change]:
    """Every change in ``upper`` against the layers ``lower``, topmost first; none where a guest never started."""
    return _told(_differences(upper, lower))


def placeholders(upper: Path, lower: Sequence[Path]) -> set[str]:
    """The paths in ``upper`` that are no change of the guest's; what an image of it is better without."""
    found = _differences(upper, lower)
    return found.keys() & PLACEHOLDERS - {change.path for change in _told(found)}


def _differences(upper: Path, lower: Sequence[Path]) -> dict[str, ChangeKind]:
    found: dict[str, ChangeKind] = {}
    pending = [_Folder("", tuple(lower))]
    try:
        root = os.open(upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    try:
        while pending:
            folder = pending.pop()
            with _opened(root, folder.path) as fd:
                if fd is not None:
                    _compare(fd, folder, found, pending)
    finally:
        os.close(root)
    return found


def _told(found: dict[str, ChangeKind]) -> list[Change]:
    """``found`` without placeholders, with the folders that lead to each change, sorted."""
    told = {path: kind for path, kind in found.items() if kind != ChangeKind.ADDED or path not in PLACEHOLDERS}
    for path in list(told):
        parent = path.rpartition("/")[0]
        while parent and parent not in told:
            told[parent] = ChangeKind.MODIFIED
            parent = parent.rpartition("/")[0]
    return [Change(kind, path) for path, kind in sorted(told.items())]


@contextlib.contextmanager
def _opened(root: int, path: str) -> Iterator[int | None]:
    """A descriptor to list ``path`` below ``root``; None when it went meanwhile or is longer than PATH_MAX."""
    try:
        fd = open_in_root(root, path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG):
            raise
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def _compare(fd: int, folder: _Folder, found: dict[str, ChangeKind], pending: list[_Folder]) -> None:
    """Note the changes right in ``folder``, open as ``fd``, and the folders in it that are still to be looked at."""
    names = set()
    with os.scandir(fd) as entries:
        for entry in entries:
            path = f"{folder.path}/{entry.name}"
            names.add(entry.name)
            with contextlib.suppress(FileNotFoundError):  # a running guest may delete while we read
                above = entry.stat(follow_symlinks=False)
                under, below = _lookup(folder.below, entry.name)
                kind = _kind(above, under, f"/proc/self/fd/{fd}/{entry.name}")
                if kind:
                    found[path] = kind
                if stat.S_ISDIR(above.st_mode):
                    pending.append(_Folder(path, below))
    if _attribute(fd, _OPAQUE) == b"y":  # made anew where the layers have a folder: nothing of theirs shows through
        found.update((f"{folder.path}/{name}", ChangeKind.DELETED) for name in _visible(folder.below) - names)


@dataclass(frozen=True, slots=True)
class _Under:
    """What the layers hold at a path: the topmost layer that has it decides."""

    path: Path
    status: os.stat_result


def _kind(above: os.stat_result, under: _Under | None, path: str) -> ChangeKind | None:
    if _is_whiteout(above):
        return ChangeKind.DELETED if under else None
    if under is None:
        return ChangeKind.ADDED
    same = _traits(above) == _traits(under.status) and _attribute(path, _CAPABILITY) == _attribute(
        under.path, _CAPABILITY
    )
    return None if same else ChangeKind.MODIFIED


def _traits(status: os.stat_result) -> tuple[int, ...]:
    """What makes two files the same for ``docker diff``: content is compared by size and time."""
    kept = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev)
    return kept if stat.S_ISDIR(status.st_mode) else (*kept, status.st_size, status.st_mtime_ns)


def _lookup(below: Sequence[Path], name: str) -> tuple[_Under | None, tuple[Path, ...]]:
    """What is seen of ``name`` in the merged folders ``below``; where it is a folder, the folders that make it up."""
    under: _Under | None = None
    folders: list[Path] = []
    for folder in below:
        path = folder / name
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if _is_whiteout(status):
            break
        under = under or _Under(path, status)
        if not stat.S_ISDIR(status.st_mode):
            break
        folders.append(path)
        if _attribute(path, _OPAQUE) == b"y":
            break
    return under, tuple(folders)


def _visible(below: Sequence[Path]) -> set[str]:
    names = {name for folder in below for name in os.listdir(folder)}  # noqa: PTH208 - names are all we need
    return {name for name in names if _lookup(below, name)[0]}


def _is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _attribute(where: int | str | Path, name: str) -> bytes | None:
    """An extended attribute of a descriptor, or of a path that is not followed."""
    try:
        return os.getxattr(where, name) if isinstance(where, int) else os.getxattr(where, name, follow_symlinks=False)
    except OSError:
        return None
