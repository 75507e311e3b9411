"""A tree of files becomes a tar stream (pax format), the same bytes for the same tree.

Names come in a fixed order: a folder, its files by name, then its sub-folders by name. Files are opened relative to a
descriptor of their folder and never through a symbolic link, so that a guest that swaps names while it is read gets its
own files into the archive and nobody else's; a file that shrinks or grows meanwhile has the size it was listed with.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wirt.errors import InvalidInput
from wirt.host.openat2 import open_in_root
from wirt.host.tar_reader import BLOCK, shown
from wirt.host.tarfs_read import FOREIGN_XATTRS, OPAQUE, OPAQUE_MARK, WHITEOUT_PREFIX, is_whiteout

__all__ = ["PackResult", "Writable", "pack"]

_PIECE = 256 * 1024
_RECORD = 20 * BLOCK  # an archive ends on a multiple of this, see GNU tar's manual, "Blocking Factor"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # NONBLOCK: a pipe put in its place must not hang us
_KINDS = {
    stat.S_IFLNK: tarfile.SYMTYPE,
    stat.S_IFCHR: tarfile.CHRTYPE,
    stat.S_IFBLK: tarfile.BLKTYPE,
    stat.S_IFIFO: tarfile.FIFOTYPE,
}
_UNPORTABLE = ("trusted.overlay.redirect", "trusted.overlay.metacopy")  # contents or names that live in a lower layer


class Writable(Protocol):
    """A stream: ``write`` takes all of ``data``."""

    def write(self, data: bytes, /) -> object: ...


@dataclass(frozen=True, slots=True)
class PackResult:
    """``bytes`` of file contents and ``entries`` written."""

    bytes: int
    entries: int


def pack(
    root: Path,
    out: Writable,
    *,
    whiteouts: bool,
    path: str = "",
    name: str | None = None,
    skip: Collection[str] = (),
    clamp_mtime: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> PackResult:
    """Writes ``root``/``path`` (a folder with all below it, or anything else alone) to ``out`` as a whole tar archive.

    ``path`` is resolved inside ``root``; its last component is not followed. ``name``: what the entry is called in the
    archive, by default ``path`` itself; "" puts a folder's contents at the top. ``skip``: paths relative to ``root``
    that stay out, with all below them. ``clamp_mtime``: no later times than this, in seconds since 1970.
    ``whiteouts``: ``root`` is the upper folder of an overlay and becomes a layer with OCI whiteouts. ``progress`` is
    called with the bytes of contents written so far. Sockets stay out, as in every tar.

    Raises FileNotFoundError when there is no ``path``, InvalidInput for what a layer cannot hold.
    """
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        packer = _Packer(root_fd, out, whiteouts, frozenset(item.strip("/") for item in skip), clamp_mtime, progress)
        path = path.strip("/")
        packer.add(path, path if name is None else name.strip("/"))
        return packer.finish()
    finally:
        os.close(root_fd)


@dataclass(slots=True)
class _Packer:
    root: int
    out: Writable
    whiteouts: bool
    skip: frozenset[str]
    clamp_mtime: int | None
    progress: Callable[[int], None] | None
    contents: int = 0  # bytes of the files in it
    entries: int = 0
    written: int = 0  # bytes of the archive
    linked: dict[tuple[int, int], str] = field(default_factory=dict)  # (device, inode) -> the name it went by first
    buffer: bytearray = field(default_factory=bytearray)

    def add(self, path: str, name: str) -> None:
        parent, _, leaf = path.rpartition("/")
        folder = open_in_root(self.root, parent or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            info = os.stat(leaf or ".", dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(info.st_mode):
                self._leaf(folder, leaf, name, info)
                return
        finally:
            os.close(folder)
        pending = [(path, name)]
        while pending:
            pending.extend(self._folder(*pending.pop()))

    def finish(self) -> PackResult:
        end = 2 * BLOCK
        self._write(bytes(end + -(self.written + end) % _RECORD))
        self._flush()
        return PackResult(self.contents, self.entries)

    # -- one kind of file each ------------------------------------------------------------------------------------

    def _folder(self, path: str, name: str) -> list[tuple[str, str]]:
        """Writes the folder and its files; its sub-folders are left to do, last one first."""
        try:
            fd = open_in_root(self.root, path or ".", _FOLDER)
        except (FileNotFoundError, NotADirectoryError):  # gone, or something else by now
            return []
        folders = []
        try:
            xattrs = _xattrs(fd)
            self._entry(f"{name}/" if name else "./", os.fstat(fd), tarfile.DIRTYPE, xattrs)
            if self.whiteouts and xattrs.get(OPAQUE) == b"y":
                self._mark(name, OPAQUE_MARK)
            for leaf in sorted(os.listdir(fd)):
                below, info = _joined(path, leaf), _look(fd, leaf)
                if info is None or below in self.skip:
                    continue
                if stat.S_ISDIR(info.st_mode):
                    folders.append((below, _joined(name, leaf)))
                else:
                    self._leaf(fd, leaf, _joined(name, leaf), info)
        finally:
            os.close(fd)
        folders.reverse()
        return folders

    def _leaf(self, folder: int, leaf: str, name: str, info: os.stat_result) -> None:
        if stat.S_ISSOCK(info.st_mode):
            return
        if self.whiteouts and is_whiteout(info):
            parent, _, victim = name.rpartition("/")
            self._mark(parent, WHITEOUT_PREFIX + victim)
            return
        if self.whiteouts and leaf.startswith(WHITEOUT_PREFIX):
            raise InvalidInput(
                f"{shown(name)} cannot be in a layer: names that begin with {WHITEOUT_PREFIX} mean deletions there",
                hint="rename the file in the guest",
            )
        if (first := self.linked.get((info.st_dev, info.st_ino))) is not None:
            self._entry(name, info, tarfile.LNKTYPE, {}, link=first)
        elif stat.S_ISREG(info.st_mode):
            self._file(folder, leaf, name)
        else:
            self._special(folder, leaf, name, info)

    def _file(self, folder: int, leaf: str, name: str) -> None:
        try:
            fd = os.open(leaf, _FILE, dir_fd=folder)
        except OSError:
            if _is_file(folder, leaf):
                raise
            return  # gone, or something else by now
        try:
            info = os.fstat(fd)
            if stat.S_ISREG(info.st_mode):
                self._entry(name, info, tarfile.REGTYPE, _xattrs(fd), size=info.st_size)
                self._contents(fd, info.st_size)
        finally:
            os.close(fd)

    def _contents(self, fd: int, size: int) -> None:
        left = size
        while left:
            piece = os.read(fd, min(left, _PIECE)) or bytes(min(left, _PIECE))
            self._write(piece)
            left -= len(piece)
        self._write(bytes(-size % BLOCK))
        self.contents += size
        if self.progress:
            self.progress(self.contents)

    def _special(self, folder: int, leaf: str, name: str, info: os.stat_result) -> None:
        kind = _KINDS[stat.S_IFMT(info.st_mode)]
        try:
            link = os.readlink(leaf, dir_fd=folder) if kind == tarfile.SYMTYPE else ""
            xattrs = _xattrs(f"/proc/self/fd/{folder}/{leaf}")
        except OSError:
            return  # gone, or something else by now
        self._entry(name, info, kind, xattrs, link=link)

    def _mark(self, parent: str, leaf: str) -> None:
        """A deletion: an empty file whose name says it all."""
        header = tarfile.TarInfo(_joined(parent, leaf))
        header.mtime = self.clamp_mtime or 0
        self._put(header)

    # -- the stream -----------------------------------------------------------------------------------------------

    def _entry(
        self, name: str, info: os.stat_result, kind: bytes, xattrs: dict[str, bytes], *, size: int = 0, link: str = ""
    ) -> None:
        header = tarfile.TarInfo(name)
        header.type, header.linkname, header.size = kind, link, size
        header.mode = stat.S_IMODE(info.st_mode)
        header.uid, header.gid = info.st_uid, info.st_gid
        if kind in (tarfile.CHRTYPE, tarfile.BLKTYPE):
            header.devmajor, header.devminor = os.major(info.st_rdev), os.minor(info.st_rdev)
        header.pax_headers = self._records(name, xattrs)
        mtime = info.st_mtime_ns if self.clamp_mtime is None else min(info.st_mtime_ns, self.clamp_mtime * 10**9)
        header.mtime, fraction = divmod(mtime, 10**9)
        if fraction:
            seconds, fraction = divmod(abs(mtime), 10**9)
            header.pax_headers["mtime"] = f"{'-' if mtime < 0 else ''}{seconds}.{fraction:09}"
        if info.st_nlink > 1 and kind not in (tarfile.DIRTYPE, tarfile.LNKTYPE):
            self.linked[info.st_dev, info.st_ino] = name
        self._put(header)

    def _records(self, name: str, xattrs: dict[str, bytes]) -> dict[str, str]:
        if self.whiteouts and not xattrs.keys().isdisjoint(_UNPORTABLE):
            raise InvalidInput(
                f"{shown(name.rstrip('/'))} cannot be in a layer: overlayfs keeps part of it in a lower one",
                hint="mount overlays with redirect_dir=nofollow,metacopy=off",
            )
        return {
            f"SCHILY.xattr.{key}": value.decode("utf-8", "surrogateescape")
            for key, value in xattrs.items()
            if not key.startswith(FOREIGN_XATTRS)
        }

    def _put(self, header: tarfile.TarInfo) -> None:
        self._write(header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        self.entries += 1

    def _write(self, data: bytes) -> None:
        self.written += len(data)
        self.buffer += data
        if len(self.buffer) >= _PIECE:
            self._flush()

    def _flush(self) -> None:
        self.out.write(bytes(self.buffer))
        self.buffer.clear()


def _joined(folder: str, leaf: str) -> str:
    return f"{folder}/{leaf}" if folder else leaf


def _look(folder: int, leaf: str) -> os.stat_result | None:
    try:
        return os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:  # gone since it was listed
        return None


def _is_file(folder: int, leaf: str) -> bool:
    info = _look(folder, leaf)
    return info is not None and stat.S_ISREG(info.st_mode)


def _xattrs(target: int | str) -> dict[str, bytes]:
    follow = isinstance(target, int)
    try:
        names = os.listxattr(target, follow_symlinks=follow)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    return {name: os.getxattr(target, name, follow_symlinks=follow) for name in names}
