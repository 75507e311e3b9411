"""Where a path leads: to a file of the guest's root, which the host kernel resolves, or into /proc and /sys.

A path is the host kernel's to walk, within the root that the monitor has in common with the guest; only two empty
folders there are ours. We come in by prefix (an absolute path into them, a relative one when that is where it starts),
and behind a walk of the host's that ended at a name it did not find: a symbolic link (/dev/stdin, /etc/mtab) may have
led into them. Then the path is walked again, here.

A link within /proc may lead out again, by text or in a jump that only the host kernel can make (/proc/self/fd/3): what
is found then is a ``Place``, a descriptor and a path for the host kernel, through the private procfs.
"""

from __future__ import annotations

import errno
import functools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wirt.abi.linux import fcntl as f
from wirt.abi.linux.openat2 import RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV
from wirt.abi.linux.stat import STATX_MNT_ID, STATX_SIZE
from wirt.abi.linux.unistd import SYS_close, SYS_getcwd, SYS_openat, SYS_openat2, SYS_readlinkat, SYS_statx
from wirt.host import _native
from wirt.sentry.failures import fail
from wirt.sentry.proc_nodes import Folder, Link, Node
from wirt.sentry.proc_tree import ROOTS, entry_at
from wirt.sentry.task import Task

__all__ = ["Host", "Place", "at", "by_path", "find", "folder_of", "place_of", "refuse"]

_MAX_LINKS = 40
_PATH_MAX = 4096
_ENOENT = -errno.ENOENT
_LED_ASTRAY = frozenset((_ENOENT, -errno.EROFS))  # what the host says at the end of a walk into an empty folder
_HOW = struct.Struct("<QQQ")


@dataclass(frozen=True, slots=True)
class Place:
    """For the host kernel: ``path`` from the folder ``at`` on."""

    at: int
    path: bytes


Host = Callable[[int, bytes], int]  # a call on a folder's descriptor and a path
Ours = Callable[[Node], int]


def refuse(number: int) -> Ours:
    """For calls that nothing in /proc and /sys allows."""
    return lambda _node: -number


def at(task: Task, folder: int, name: bytes, host: Host, ours: Ours, *, follow: bool = True, resolve: int = 0) -> int:
    """Do ``host`` or ``ours``, whichever it is for the path. ``follow``: a link at its end is followed.

    ``resolve``: RESOLVE_NO_XDEV, NO_MAGICLINKS and NO_SYMLINKS of openat2(2); the host is told of them by ``host``.
    """
    found = find(task, folder, name, follow=follow, resolve=resolve)
    if found is None:
        result = host(folder, name)
        if result not in _LED_ASTRAY or resolve:
            return result
        found = _find_again(task, folder, name, follow=follow)
        if found is None:
            return result
    return host(found.at, found.path) if isinstance(found, Place) else ours(found)


def by_path(
    task: Task,
    name: bytes,
    host: Callable[[bytes], int],
    opened: Callable[[int], int],
    ours: Ours,
    *,
    follow: bool = True,
    flags: int = f.O_PATH,
) -> int:
    """The same for calls that take no folder: for a place that needs one there is ``opened``, on a descriptor."""

    def there(folder: int, where: bytes) -> int:
        if folder == f.AT_FDCWD:
            return host(where)
        with task.process.lock:  # a fork in between would give the descriptor to the child
            fd = _native.call(SYS_openat, folder, where, flags | f.O_CLOEXEC, 0)
            if fd < 0:
                return fd
            try:
                return opened(fd)
            finally:
                _native.quick(SYS_close, fd)

    return at(task, f.AT_FDCWD, name, there, ours, follow=follow)


def place_of(task: Task, folder: int, name: bytes, *, follow: bool, refusal: int) -> Place:
    """Where the host kernel finds a file that must be the guest's (to execute, link, rename); ``refusal``: what is ours
    has that errno."""
    found = find(task, folder, name, follow=follow)
    if isinstance(found, Node):
        fail(refusal)
    return found or Place(folder, name)


# -- by prefix -------------------------------------------------------------------------------------


def find(task: Task, folder: int, name: bytes, *, follow: bool, resolve: int = 0) -> Node | Place | None:
    """What a path that begins in /proc or /sys leads to; None for all others, which the host kernel walks."""
    rules = (follow, resolve)
    process = task.process
    if not process.own_root:
        return None
    if name.startswith(b"/"):
        return _walk(task, b"/", name, *rules) if _is_ours(name) else None
    if folder == f.AT_FDCWD:
        if process.virtual_cwd:
            return _walk(task, process.virtual_cwd, name, *rules)
    elif process.special and folder in process.special:
        return _walk(task, process.special[folder].path, name, *rules)
    if name.startswith((b"proc", b"sys")) and name.partition(b"/")[0] in ROOTS and folder_of(task, folder) == b"/":
        return _walk(task, b"/", name, *rules)
    return None


def _is_ours(path: bytes) -> bool:
    return (path.startswith(b"/proc") and path[5:6] in (b"", b"/")) or (
        path.startswith(b"/sys") and path[4:5] in (b"", b"/")
    )


def folder_of(task: Task, folder: int) -> bytes:
    """The absolute path of a folder's descriptor or of the working directory; b"" where it has none."""
    if folder == f.AT_FDCWD:
        held = bytearray(_PATH_MAX)
        size = _native.call(SYS_getcwd, held, _PATH_MAX)
        path = bytes(held[: size - 1]) if size > 0 else b""
    else:
        path = _readlink(task.process.options.proc_fd, b"self/fd/%d" % folder) or b""
    return path if path.startswith(b"/") else b""


# -- behind the host -------------------------------------------------------------------------------


def _find_again(task: Task, folder: int, name: bytes, *, follow: bool) -> Node | Place | None:
    """The path was not found by the host kernel: does it lead into /proc or /sys? Most do not, which costs one call."""
    if not task.process.own_root or not name:
        return None
    flags = f.O_PATH | f.O_CLOEXEC | (0 if follow else f.O_NOFOLLOW)
    resolve = RESOLVE_NO_XDEV if _have_mounts() else RESOLVE_NO_SYMLINKS
    fd = _native.call(SYS_openat2, folder, name, _HOW.pack(flags, 0, resolve), _HOW.size)
    if fd >= 0:
        _native.quick(SYS_close, fd)
    elif fd == _ENOENT:
        return None  # it left no file system, or followed no link, on the way to where it ended
    start = b"/" if name.startswith(b"/") else folder_of(task, folder)
    if not start:
        return None
    try:
        found = _walk(task, start, name, follow)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return None
    return None if isinstance(found, Place) and found.at == f.AT_FDCWD else found


@functools.cache
def _have_mounts() -> bool:
    """Whether our two folders are mounts of their own, so that a walk into them is one over a border."""
    numbers = []
    for path in (b"/", b"/proc", b"/sys"):
        about = bytearray(STATX_SIZE)
        if _native.call(SYS_statx, f.AT_FDCWD, path, f.AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, about) < 0:
            return False
        numbers.append(int.from_bytes(about[144:152], "little"))
    return numbers[0] not in numbers[1:]


# -- the walk --------------------------------------------------------------------------------------


def _walk(task: Task, start: bytes, name: bytes, follow: bool, resolve: int = 0) -> Node | Place:
    """Component by component, as path_resolution(7) has it; ENOENT, ENOTDIR and ELOOP come from what is ours."""
    todo = name.split(b"/")[::-1]
    here = [] if name.startswith(b"/") else [part for part in start.split(b"/") if part]
    links = 0
    if resolve & RESOLVE_NO_XDEV and not (here and here[0] in ROOTS):
        fail(errno.EXDEV)
    while todo:
        part = todo.pop()
        if part in (b"", b"."):
            _must_be_folder(task, here)
            continue
        if part == b"..":
            _must_be_folder(task, here)
            del here[-1:]
            continue
        here.append(part)
        if not todo and not follow:
            break
        target = _target(task, here)
        if target is None:
            continue
        links += 1
        magic = len(here) > 2 and here[0] == b"proc" and here[1].isdigit()
        if links > _MAX_LINKS or resolve & RESOLVE_NO_SYMLINKS or (magic and resolve & RESOLVE_NO_MAGICLINKS):
            fail(errno.ELOOP)
        if magic and resolve & RESOLVE_NO_XDEV:
            fail(errno.EXDEV)
        if isinstance(target, Place):
            return Place(target.at, b"/".join((target.path, *reversed(todo))))
        here = [] if target.startswith(b"/") else here[:-1]
        todo += target.split(b"/")[::-1]
    return _found(task, here, trailing=name.endswith(b"/"))


def _must_be_folder(task: Task, here: Sequence[bytes]) -> None:
    if here and here[0] in ROOTS and not isinstance(entry_at(task, here), Folder):
        fail(errno.ENOTDIR)


def _found(task: Task, here: Sequence[bytes], *, trailing: bool) -> Node | Place:
    path = b"/" + b"/".join(here)
    if here and here[0] in ROOTS:
        return Node(path, entry_at(task, here))
    return Place(f.AT_FDCWD, path + b"/" if trailing and here else path)


def _target(task: Task, here: Sequence[bytes]) -> bytes | Place | None:
    """What the link at a path says or jumps to; None for all that is no link."""
    if here[0] not in ROOTS:
        return _readlink(f.AT_FDCWD, b"/" + b"/".join(here))
    entry = entry_at(task, here)
    if not isinstance(entry, Link):
        return None
    text = entry.target(task)
    if not entry.jump:
        return text if here[-2:-1] != [b"ns"] else fail(errno.EACCES)
    if text.startswith(b"/") and _is_ours(text):
        return text
    return Place(task.process.options.proc_fd, entry.jump)


def _readlink(folder: int, path: bytes) -> bytes | None:
    held = bytearray(_PATH_MAX)
    size = _native.call(SYS_readlinkat, folder, path, held, _PATH_MAX)
    return bytes(held[:size]) if size >= 0 else None
