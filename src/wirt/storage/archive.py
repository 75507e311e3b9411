"""A guest's files as tar streams: ``wirt cp`` and ``wirt export``, whether the guest runs or not.

``root`` is the guest's root folder: the merged mount of one at rest, /proc/PID/root of a running one, which has its
volumes and tmpfs in it. Paths are the guest's, absolute or not, and resolved as a process chrooted there would: links
that a hostile guest plants or swaps meanwhile lead nowhere outside (openat2(2), RESOLVE_IN_ROOT). A path that ends in
``/`` or ``/.`` is a folder, followed if it is a link to one; ``/.`` means what is in it, as in cp(1).
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import stat as modes
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from wirt.errors import InvalidInput, NotFound
from wirt.host.failures import explained
from wirt.host.openat2 import open_in_root
from wirt.host.tarfs import pack, unpack
from wirt.model.wire import PathStat

__all__ = ["export", "get", "put", "stat"]


def stat(root: Path, path: str) -> PathStat:
    """What is at ``path``. ``link_target``: where a link leads in the guest; as it is written if it leads nowhere.

    Raises NotFound, InvalidInput where a folder was asked for and something else is.
    """
    inside, name = _inside(path)
    with _opened(root) as top, _explaining(path, "look at"):
        fd = open_in_root(top, inside, os.O_PATH | os.O_NOFOLLOW)
        try:
            status = os.fstat(fd)
            target = _target(top, inside, fd) if modes.S_ISLNK(status.st_mode) else ""
        finally:
            os.close(fd)
    return PathStat(name or "/", status.st_size, status.st_mode, status.st_mtime, target)


def get(root: Path, path: str, out: BinaryIO) -> None:
    """Write ``path``, with all below it, to ``out`` as a tar archive. Raises NotFound, InvalidInput."""
    inside, name = _inside(path)
    with _opened(root) as top, _explaining(path, "copy"):
        pack(_path(top), out, whiteouts=False, path=inside, name="" if path.endswith("/.") else name)


def put(root: Path, path: str, stream: BinaryIO, *, no_overwrite_dir_non_dir: bool = False) -> None:
    """Unpack a tar archive into the folder ``path``, which exists.

    ``no_overwrite_dir_non_dir``: a folder never replaces something else, nor the reverse.
    Raises NotFound, InvalidInput, CorruptData, Forbidden where the guest's root is read-only, OutOfSpace.
    """
    inside, _ = _inside(path.rstrip("/") + "/")
    with _opened(root) as top, _explaining(path, "copy into"):
        os.close(open_in_root(top, inside, os.O_PATH | os.O_DIRECTORY))
        unpack(stream, _path(top), whiteouts=False, into=inside, keep_kinds=no_overwrite_dir_non_dir)


def export(root: Path, out: BinaryIO) -> None:
    """Write everything in ``root`` to ``out`` as a tar archive that ``wirt image import`` takes."""
    with _opened(root) as top, _explaining("/", "export"):
        pack(_path(top), out, whiteouts=False, name="")


def _inside(path: str) -> tuple[str, str]:
    """``path`` relative to the root, ending in "." where it must be a folder, and its last name ("": the root)."""
    if "\0" in path or not path:
        raise InvalidInput(f"{path!r} is not a path in a guest")
    clean = posixpath.normpath("/" + path.lstrip("/")).lstrip("/")
    folder = path.endswith(("/", "/.", "/..")) or not clean
    return (f"{clean}/." if clean else ".") if folder else clean, posixpath.basename(clean)


def _target(top: int, inside: str, link: int) -> str:
    written = os.readlink("", dir_fd=link)
    try:
        fd = open_in_root(top, inside, os.O_PATH)
    except OSError:
        return written
    try:
        base, resolved = (os.fspath(_path(each).readlink()) for each in (top, fd))
    finally:
        os.close(fd)
    return "/" + resolved.removeprefix(base).lstrip("/")


def _path(fd: int) -> Path:
    """A path that stays what ``fd`` is: a process id may be another's by the time a path is opened again."""
    return Path(f"/proc/self/fd/{fd}")


@contextlib.contextmanager
def _opened(root: Path) -> Iterator[int]:
    try:
        fd = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound("the guest has no root file system any more") from None
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def _explaining(path: str, doing: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path} in the guest") from error
    except NotADirectoryError as error:
        raise InvalidInput(f"{path} is not a folder in the guest") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InvalidInput(f"{path} leads through too many links in the guest") from error
        raise explained(error, f"{doing} {path} of the guest") from error
