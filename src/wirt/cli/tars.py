"""Tar streams for ``wirt cp``: our files on their way into a guest, and a guest's files on their way to us.

What comes out of a guest is not to be trusted. Names that leave the destination, entries below symbolic links that the
archive itself made, and hard links to elsewhere are refused; a link in the way of a file is replaced, not followed.
Unless everything is to be kept as it is (``keep``), files become the user's own, without set-uid bits, and devices and
pipes are left out. (The filters of ``tarfile`` came to Debian 12 late, and refuse the absolute links every /etc has.)
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterator

from wirt.errors import CorruptData, InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wirt.client.connection import Response

__all__ = ["pack", "unpack"]

_PIECE = 1 << 18
_BLOCK = tarfile.BLOCKSIZE


def pack(source: str, name: str, *, keep: bool, follow: bool) -> Iterator[bytes]:
    """The archive of ``source``, called ``name`` in it; "" puts what is in a folder at the top.

    ``keep``: with its owners; they are root's otherwise. ``follow``: if ``source`` is a link, what it leads to.
    """
    archive = tarfile.TarFile(fileobj=io.BytesIO(), mode="w")  # for its knowledge of files and of hard links only
    pending = [(os.path.realpath(source) if follow else source, name)]
    while pending:
        path, inside = pending.pop()
        info = archive.gettarinfo(path, inside or ".")
        if info is None:  # a socket
            continue
        if not keep:
            info.uid = info.gid = 0
            info.uname = info.gname = ""
        yield info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        if info.isreg():
            yield from _contents(path, info.size)
        elif info.isdir():
            names = sorted(os.listdir(path), reverse=True)
            pending += [(os.path.join(path, each), f"{inside}/{each}" if inside else each) for each in names]
    yield bytes(2 * _BLOCK)


def _contents(path: str, size: int) -> Iterator[bytes]:
    """``size`` bytes, as announced, whatever becomes of the file meanwhile, and what fills up the last block."""
    left = size
    with open(path, "rb", buffering=0) as file:
        while left and (piece := file.read(min(left, _PIECE))):
            yield piece
            left -= len(piece)
    while left:
        yield bytes(min(left, _PIECE))
        left -= min(left, _PIECE)
    yield bytes(-size % _BLOCK)


def unpack(stream: Response, folder: str, *, keep: bool) -> list[str]:
    """Makes what is in ``stream`` below ``folder``; gives the names of what was left out."""
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=1) as archive:  # type: ignore[call-overload]
            return _Unpacker(archive, folder, keep=keep).run()
    except tarfile.TarError as error:
        raise CorruptData(f"what came from the guest is no archive: {error}") from error


class _Unpacker:
    def __init__(self, archive: tarfile.TarFile, folder: str, *, keep: bool) -> None:
        self._archive = archive
        self._folder = folder
        self._keep = keep
        self._folders: list[tarfile.TarInfo] = []  # their times and modes are set last
        archive.extraction_filter = _as_it_is  # newer Pythons have one of their own

    def run(self) -> list[str]:
        left_out = []
        for info in self._archive:
            info.name = _inside(info.name)
            if not (info.isreg() or info.isdir() or info.issym() or info.islnk() or self._keep):
                left_out.append(info.name)
                continue
            if info.islnk():
                info.linkname = _inside(info.linkname)
                self._check_parents(info.linkname)
            if not self._keep:
                info.uid, info.gid = os.getuid(), os.getgid()
                info.mode &= 0o1777 if info.isdir() else 0o777
            self._make(info)
        for info in reversed(self._folders):
            path = os.path.join(self._folder, info.name)
            self._archive.chown(info, path, numeric_owner=True)
            self._archive.chmod(info, path)
            self._archive.utime(info, path)
        return left_out

    def _make(self, info: tarfile.TarInfo) -> None:
        self._check_parents(info.name)
        path = os.path.join(self._folder, info.name)
        there = _look(path)
        if info.isdir():
            if there is None:
                os.mkdir(path, 0o700)
            elif not stat.S_ISDIR(there.st_mode) and info.name != ".":
                raise InvalidInput(f"{path} is in the way of a folder and is none", hint="remove it first")
            self._folders.append(info)
            return
        if there is not None:
            if stat.S_ISDIR(there.st_mode):
                raise InvalidInput(f"{path} is a folder, in the way of something that is none", hint="remove it first")
            os.unlink(path)
        self._archive.extract(info, self._folder, numeric_owner=True)

    def _check_parents(self, name: str) -> None:
        """No part of ``name`` but the last is a link: a link of the archive's own could lead anywhere."""
        path = self._folder
        for part in name.split("/")[:-1]:
            path = os.path.join(path, part)
            there = _look(path)
            if there is not None and not stat.S_ISDIR(there.st_mode):
                raise InvalidInput(f"the archive goes through {path}, which is no folder")


def _as_it_is(info: tarfile.TarInfo, _path: str) -> tarfile.TarInfo:
    return info


def _inside(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise InvalidInput(f"the archive has a name that leads out of it: {name!r}")
    return "/".join(parts) or "."


def _look(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None
