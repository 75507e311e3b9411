"""A tar stream becomes a tree of files, and nothing outside that tree is touched, whatever the stream says.

Every file is made relative to a descriptor of its folder, and that descriptor comes from openat2(2) with
RESOLVE_IN_ROOT: symbolic links on the way, planted by the archive or by a running guest, lead to where they would lead
a process chrooted to the root, never out of it. The last component is never followed. Names with ``..`` are refused;
absolute names count from the root, as every container engine reads them.

Deletions (``whiteouts=True``) follow the OCI image specification, "Layer changesets", and become what overlayfs wants:
``.wh.NAME`` a character device 0/0 called NAME, ``.wh..wh..opq`` the attribute trusted.overlay.opaque on its folder.
"""

from __future__ import annotations

import errno
import os
import stat
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from wirt.errors import InvalidInput, OutOfSpace
from wirt.host.openat2 import open_in_root
from wirt.host.tar_reader import Entry, Readable, TarReader, shown
from wirt.host.trees import remove_tree

__all__ = ["FOREIGN_XATTRS", "OPAQUE", "OPAQUE_MARK", "WHITEOUT_PREFIX", "UnpackResult", "is_whiteout", "unpack"]

_T = TypeVar("_T")

WHITEOUT_PREFIX = ".wh."
OPAQUE_MARK = ".wh..wh..opq"
_AUFS_PREFIX = ".wh..wh."  # other bookkeeping of aufs, of no meaning to anybody else
OPAQUE = "trusted.overlay.opaque"
# Not a file's own: what overlayfs notes for itself (and would follow, if a layer brought it along), and a label of the
# machine that packed.
FOREIGN_XATTRS = ("trusted.overlay.", "user.overlay.", "security.selinux")

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REGULAR = frozenset((tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE))
_NODES = {tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}
_NO_ID = 2**32 - 1  # chown(2): -1, leave it
_ENTRY_IS_WRONG = frozenset(
    {
        *(errno.EEXIST, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.EMLINK, errno.ENAMETOOLONG, errno.ENOENT),
        *(errno.ENOTDIR, errno.EFBIG, errno.EPERM, errno.EXDEV, errno.EOVERFLOW, errno.E2BIG, errno.ERANGE),
        *(errno.ENOTEMPTY, errno.EBUSY, errno.ENXIO),
    }
)
_FOLDERS_KEPT_OPEN = 16
_PROGRESS_STEP = 1024 * 1024


@dataclass(frozen=True, slots=True)
class UnpackResult:
    """``bytes`` of file contents written, ``entries`` of the archive followed."""

    bytes: int
    entries: int


def unpack(
    stream: Readable,
    root: Path,
    *,
    whiteouts: bool,
    into: str = "",
    owner: tuple[int, int] | None = None,
    keep_kinds: bool = False,
    progress: Callable[[int], None] | None = None,
) -> UnpackResult:
    """Makes everything in ``stream`` (plain tar) below ``root``/``into``, over what is there; a name's last entry wins.

    ``into``: a folder that exists, resolved inside ``root``. ``owner``: uid and gid of everything, instead of the
    archive's (only root can set either). ``keep_kinds``: a folder must not replace something else, nor the reverse.
    ``progress`` is called with the bytes of archive read so far.

    CorruptData: not a whole tar archive. InvalidInput: an entry that cannot be made, named. OutOfSpace. What was made
    before the error stays for the caller to remove (``remove_tree``).
    """
    root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        unpacker = _Unpacker(root_fd, into, whiteouts=whiteouts, owner=owner, keep_kinds=keep_kinds)
        return unpacker.run(TarReader(stream), progress)
    finally:
        os.close(root_fd)


class _Unpacker:
    """One archive on its way into one root."""

    def __init__(
        self, root_fd: int, into: str, *, whiteouts: bool, owner: tuple[int, int] | None, keep_kinds: bool
    ) -> None:
        self._root = root_fd
        self._into = into.strip("/")
        self._whiteouts = whiteouts
        self._owner = owner
        self._keep_kinds = keep_kinds
        self._is_root = os.geteuid() == 0
        self._folders: dict[str, int] = {}  # open descriptors, least recently used first
        self._times: dict[str, int] = {}  # of folders: set last, as every file made inside changes them
        self._stale = False
        self._bytes = 0

    def run(self, reader: TarReader, progress: Callable[[int], None] | None) -> UnpackResult:
        entries = told = 0
        try:
            for entry in reader:
                self._make(entry, reader)
                entries += 1
                if progress and reader.consumed - told >= _PROGRESS_STEP:
                    told = reader.consumed
                    progress(told)
            self._set_times()
        finally:
            self._close_folders()
        return UnpackResult(self._bytes, entries)

    def _make(self, entry: Entry, reader: TarReader) -> None:
        if self._stale:
            self._close_folders()
        try:
            parent, leaf = _split(entry.name)
            if leaf:
                self._make_in(self._folder(parent), parent, leaf, entry, reader)
            elif entry.type == tarfile.DIRTYPE:
                self._dress_folder(self._folder(""), "", entry)
            else:
                raise InvalidInput(f"archive entry {shown(entry.name)} has no name")
        except OSError as error:
            raise _explained(error, entry) from error
        except (OverflowError, ValueError) as error:  # numbers and names the system call cannot even be given
            raise InvalidInput(f"archive entry {shown(entry.name)}: {error}") from error

    def _make_in(self, folder: int, parent: str, leaf: str, entry: Entry, reader: TarReader) -> None:
        if self._whiteouts and leaf.startswith(WHITEOUT_PREFIX):
            self._whiteout(folder, leaf, entry)
        elif entry.type in _REGULAR:
            self._file(folder, leaf, entry, reader)
        elif entry.type == tarfile.DIRTYPE:
            self._folder_entry(folder, leaf, f"{parent}/{leaf}" if parent else leaf, entry)
        elif entry.type == tarfile.SYMTYPE:
            self._symlink(folder, leaf, entry)
        elif entry.type == tarfile.LNKTYPE:
            self._hard_link(folder, leaf, entry)
        elif entry.type in _NODES:
            self._node(folder, leaf, entry)
        else:
            raise InvalidInput(f"archive entry {shown(entry.name)} is of an unknown type {entry.type!r}")

    # -- one kind of entry each -----------------------------------------------------------------------------------

    def _file(self, folder: int, leaf: str, entry: Entry, reader: TarReader) -> None:
        fd = self._replacing(folder, leaf, entry, lambda: os.open(leaf, _NEW_FILE, 0o600, dir_fd=folder))
        try:
            if entry.extents is None:
                for piece in reader.pieces():
                    _write(fd, piece)
            else:
                _write_extents(fd, entry, reader)
            self._dress(fd, entry)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)
        self._bytes += entry.size

    def _folder_entry(self, folder: int, leaf: str, path: str, entry: Entry) -> None:
        fd = self._new_folder(folder, leaf, entry)
        self._remember(path, fd)
        self._dress_folder(fd, path, entry)

    def _symlink(self, folder: int, leaf: str, entry: Entry) -> None:
        self._replacing(folder, leaf, entry, lambda: os.symlink(entry.link, leaf, dir_fd=folder))
        if self._is_root:
            os.chown(leaf, *self._ids(entry), dir_fd=folder, follow_symlinks=False)
        _set_xattrs(f"/proc/self/fd/{folder}/{leaf}", entry)
        os.utime(leaf, ns=(entry.mtime, entry.mtime), dir_fd=folder, follow_symlinks=False)

    def _hard_link(self, folder: int, leaf: str, entry: Entry) -> None:
        parent, target = _split(entry.link)
        source = self._open_folder(parent)

        def link() -> None:
            os.link(target, leaf, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)

        try:
            link()
        except FileExistsError:
            there = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
            if os.path.samestat(there, os.stat(target, dir_fd=source, follow_symlinks=False)):
                return
            self._replacing(folder, leaf, entry, link)

    def _node(self, folder: int, leaf: str, entry: Entry) -> None:
        mode, device = _NODES[entry.type] | entry.mode, os.makedev(entry.major, entry.minor)
        self._replacing(folder, leaf, entry, lambda: os.mknod(leaf, mode, device, dir_fd=folder))
        fd = os.open(leaf, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            path = f"/proc/self/fd/{fd}"
            if self._is_root:
                os.chown(path, *self._ids(entry))
            _set_xattrs(path, entry)
            os.chmod(path, entry.mode)
            os.utime(path, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)

    def _whiteout(self, folder: int, leaf: str, entry: Entry) -> None:
        """A whiteout hides what lower layers have, never what this one has: an entry of the same name stands."""
        if leaf == OPAQUE_MARK:
            os.setxattr(folder, OPAQUE, b"y")
            return
        if leaf.startswith(_AUFS_PREFIX):
            return
        victim = leaf.removeprefix(WHITEOUT_PREFIX)
        if victim in ("", ".", ".."):
            raise InvalidInput(f"archive entry {shown(entry.name)} would delete its own folder")
        try:
            os.mknod(victim, stat.S_IFCHR, 0, dir_fd=folder)
        except FileExistsError:
            if stat.S_ISDIR(os.stat(victim, dir_fd=folder, follow_symlinks=False).st_mode):
                fd = os.open(victim, _FOLDER, dir_fd=folder)
                try:
                    os.setxattr(fd, OPAQUE, b"y")
                finally:
                    os.close(fd)

    # -- what is there already ------------------------------------------------------------------------------------

    def _replacing(self, folder: int, leaf: str, entry: Entry, make: Callable[[], _T]) -> _T:
        """``make()``, over whatever has the name."""
        try:
            return make()
        except FileExistsError:
            there = os.stat(leaf, dir_fd=folder, follow_symlinks=False)
            if self._keep_kinds and stat.S_ISDIR(there.st_mode):
                raise InvalidInput(f"archive entry {shown(entry.name)} would replace a folder") from None
            self._make_room(folder, leaf, there)
            return make()

    def _new_folder(self, parent: int, leaf: str, entry: Entry) -> int:
        """A descriptor of the folder ``leaf``: the one that is there, or a fresh one instead of a file or whiteout."""
        try:
            os.mkdir(leaf, 0o700, dir_fd=parent)
        except FileExistsError:
            there = os.stat(leaf, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(there.st_mode):
                return os.open(leaf, _FOLDER, dir_fd=parent)
            if self._keep_kinds:
                raise InvalidInput(f"archive entry {shown(entry.name)} would replace something with a folder") from None
            self._make_room(parent, leaf, there)
            os.mkdir(leaf, 0o700, dir_fd=parent)
            fd = os.open(leaf, _FOLDER, dir_fd=parent)
            if self._whiteouts and is_whiteout(there):
                os.setxattr(fd, OPAQUE, b"y")
            return fd
        return os.open(leaf, _FOLDER, dir_fd=parent)

    def _make_room(self, folder: int, leaf: str, there: os.stat_result) -> None:
        if stat.S_ISDIR(there.st_mode):
            remove_tree(leaf, parent_fd=folder)
        else:
            os.unlink(leaf, dir_fd=folder)
        self._stale = True  # paths may lead elsewhere now; but this entry still needs its descriptors

    # -- owner, mode, attributes, times ---------------------------------------------------------------------------

    def _ids(self, entry: Entry) -> tuple[int, int]:
        if not (0 <= entry.uid < _NO_ID and 0 <= entry.gid < _NO_ID):
            raise InvalidInput(f"archive entry {shown(entry.name)} has an impossible owner {entry.uid}:{entry.gid}")
        return self._owner or (entry.uid, entry.gid)

    def _dress(self, fd: int, entry: Entry) -> None:
        """In this order: chown(2) takes setuid bits and capabilities away."""
        if self._is_root:
            os.fchown(fd, *self._ids(entry))
        if entry.xattrs:
            _set_xattrs(fd, entry)
        os.fchmod(fd, entry.mode)

    def _dress_folder(self, fd: int, path: str, entry: Entry) -> None:
        self._dress(fd, entry)
        self._times[path] = entry.mtime

    def _set_times(self) -> None:
        for path, mtime in self._times.items():
            with suppress(FileNotFoundError, NotADirectoryError):  # replaced by a later entry
                fd = open_in_root(self._root, self._below(path), _FOLDER)
                try:
                    os.utime(fd, ns=(mtime, mtime))
                finally:
                    os.close(fd)

    # -- folders --------------------------------------------------------------------------------------------------

    def _below(self, path: str) -> str:
        return "/".join(filter(None, (self._into, path))) or "."

    def _folder(self, path: str) -> int:
        """A descriptor of the folder ``path``, made with its parents when it is missing."""
        try:
            return self._open_folder(path)
        except (FileNotFoundError, NotADirectoryError):
            self._make_folders(path)
            return self._open_folder(path)

    def _open_folder(self, path: str) -> int:
        fd = self._folders.pop(path, None)
        if fd is None:
            fd = open_in_root(self._root, self._below(path), os.O_RDONLY | os.O_DIRECTORY)
        self._remember(path, fd)
        return fd

    def _make_folders(self, path: str) -> None:
        entry = Entry(path, tarfile.DIRTYPE, 0, 0o755, 0, 0, 0)
        done = ""
        for name in path.split("/"):
            parent = self._open_folder(done)
            done = f"{done}/{name}" if done else name
            try:
                there = os.stat(name, dir_fd=parent, follow_symlinks=False)
                missing = self._whiteouts and is_whiteout(there)
            except FileNotFoundError:
                missing = True
            if missing:
                fd = self._new_folder(parent, name, entry)
                self._remember(done, fd)
                self._dress(fd, entry)

    def _remember(self, path: str, fd: int) -> None:
        if (old := self._folders.pop(path, fd)) != fd:
            os.close(old)
        self._folders[path] = fd
        if len(self._folders) > _FOLDERS_KEPT_OPEN:
            os.close(self._folders.pop(next(iter(self._folders))))

    def _close_folders(self) -> None:
        while self._folders:
            os.close(self._folders.popitem()[1])
        self._stale = False


def is_whiteout(info: os.stat_result) -> bool:
    """Whether overlayfs would take this for a deletion: a character device 0/0."""
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _split(name: str) -> tuple[str, str]:
    """(folder, last component), both relative and without dots; ("", "") for the root itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise InvalidInput(f"archive entry {shown(name)} points out of the archive's root")
    return ("/".join(parts[:-1]), parts[-1]) if parts else ("", "")


def _write(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _write_extents(fd: int, entry: Entry, reader: TarReader) -> None:
    os.ftruncate(fd, entry.real_size)
    pieces = reader.pieces()
    piece = memoryview(b"")
    for offset, length in entry.extents or ():
        os.lseek(fd, offset, os.SEEK_SET)
        left = length
        while left:
            piece = piece or next(pieces)
            part, piece = piece[:left], piece[left:]
            _write(fd, part)
            left -= len(part)


def _set_xattrs(target: int | str, entry: Entry) -> None:
    """Those of the file's own; where the file system or a plain user cannot have one, the file goes without."""
    for name, value in entry.xattrs.items():
        if name.startswith(FOREIGN_XATTRS):
            continue
        try:
            os.setxattr(target, name, value, follow_symlinks=isinstance(target, int))
        except OSError as error:
            if error.errno not in (errno.ENOTSUP, errno.EPERM):
                raise


def _explained(error: OSError, entry: Entry) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace(
            f"no space left on the disk for archive entry {shown(entry.name)}",
            hint="free some space, or move wirt's state folder (WIRT_STATE) to a larger disk",
        )
    if error.errno in _ENTRY_IS_WRONG:
        return InvalidInput(f"archive entry {shown(entry.name)}: {os.strerror(error.errno or 0)}")
    return error
