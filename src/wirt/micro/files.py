"""The guest's file system, made in its new mount namespace by real root: everything before the old root is let go of.

What is mounted on top of what is resolved *after* the root has been changed, so that a symbolic link in an image leads
nowhere but into the image; what is mounted from the host is opened before (``fsmount.clone_tree``).

The sentry answers for /proc and /sys. What lies there is empty and read-only, whatever the image has in these folders,
for walks of the host kernel's that come there by a link (``sentry.namei``). Device nodes work below /dev alone, as the
root and every bind mount are ``nodev``.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable

from wirt.abi.linux import mount as abi
from wirt.host import fsmount
from wirt.host.mount import mount
from wirt.micro.config import MonitorConfig, MountPlan

__all__ = ["mount_options", "new_procfs", "new_records", "take_root"]

_FLAGS = {
    "ro": abi.MS_RDONLY,
    "nosuid": abi.MS_NOSUID,
    "nodev": abi.MS_NODEV,
    "noexec": abi.MS_NOEXEC,
    "sync": abi.MS_SYNCHRONOUS,
    "noatime": abi.MS_NOATIME,
    "nodiratime": abi.MS_NODIRATIME,
    "relatime": abi.MS_RELATIME,
    "strictatime": abi.MS_STRICTATIME,
}
# Said by words that have no flag: the default, what a bind mount is, what SELinux alone knows.
_SILENT = frozenset(("rw", "suid", "dev", "exec", "async", "atime", "rro", "rbind", "bind", "newinstance", "z", "Z"))
_PRIVATE = frozenset(("private", "rprivate"))
_SLAVE = frozenset(("slave", "rslave", "shared", "rshared"))  # nothing is mounted in a guest, so none has news to share

_DEVICES = (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9))  # of major 1
_TTY = (5, 0)
_LINKS = (
    ("ptmx", "pts/ptmx"),
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
)
_RECORDS_SIZE = "16m"


def take_root(config: MonitorConfig) -> None:
    """Make ``config.rootfs`` the root, with all its mounts. ``OSError`` names the place that could not be mounted."""
    mount("", "/", None, abi.MS_REC | abi.MS_SLAVE)  # nothing of ours gets out; what the host unmounts goes here too
    trees = [_open_source(entry) for entry in config.mounts]
    fsmount.enter_root(config.rootfs)
    mount("", "/", None, abi.MS_PRIVATE)
    before = os.umask(0)
    os.makedirs("/dev", 0o755, exist_ok=True)
    for folder in ("/proc", "/sys"):
        _cover(folder)
    for entry, tree in zip(config.mounts, trees, strict=True):
        _mount(entry, tree)
    os.umask(before)
    read_only = abi.MS_RDONLY if config.read_only else 0
    mount("", "/", None, abi.MS_REMOUNT | abi.MS_BIND | abi.MS_NODEV | read_only)


def _cover(folder: str) -> None:
    """Put an empty folder there that stays so."""
    if os.path.islink(folder):
        raise OSError(errno.ELOOP, "the image has a symbolic link where a folder must be", folder)
    os.makedirs(folder, 0o755, exist_ok=True)
    mount("tmpfs", folder, "tmpfs", abi.MS_RDONLY | abi.MS_NOSUID | abi.MS_NODEV | abi.MS_NOEXEC, "mode=555,size=4k")


def new_procfs() -> int:
    """A procfs of our pid namespace, mounted nowhere: processes alone, no /proc/sys (``subset=pid``, Linux 5.8)."""
    return fsmount.detached("proc", {"subset": "pid"}, fsmount.SAFE)


def new_records() -> int:
    """A folder that is nowhere, for all of a guest's processes to share."""
    return fsmount.detached("tmpfs", {"size": _RECORDS_SIZE, "mode": "1777"}, fsmount.SAFE)


def mount_options(options: Iterable[str]) -> tuple[int, str]:
    """mount(2)'s flags, and the rest as its data."""
    flags, data = 0, []
    for option in options:
        if option in _FLAGS:
            flags |= _FLAGS[option]
        elif option not in _SILENT | _PRIVATE | _SLAVE:
            data.append(option)
    return flags, ",".join(data)


def _open_source(entry: MountPlan) -> int:
    """What is to be bound, still on the host, as a tree of its own; -1 for a new file system."""
    if entry.type != "bind":
        return -1
    deep = "rbind" in entry.options
    tree = fsmount.clone_tree(entry.source, recursive=deep)
    wanted = abi.MOUNT_ATTR_NODEV | (abi.MOUNT_ATTR_RDONLY if "rro" in entry.options else 0)
    try:
        fsmount.set_attributes(tree, wanted, recursive=deep)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
    return tree


def _mount(entry: MountPlan, tree: int) -> None:
    place = os.path.realpath(entry.destination)  # of this root: an image's links lead into the image
    if tree >= 0:
        _bind(entry, tree, place)
        return
    os.makedirs(place, 0o755, exist_ok=True)
    flags, data = mount_options(entry.options)
    mount(entry.source, place, entry.type, flags, data)
    if place == "/dev":
        _fill_dev()


def _bind(entry: MountPlan, tree: int, place: str) -> None:
    _make_place(place, folder=stat.S_ISDIR(os.fstat(tree).st_mode))
    try:
        fsmount.attach(tree, place)
    finally:
        os.close(tree)
    deep = abi.MS_REC if "rbind" in entry.options else 0
    mount("", place, None, (abi.MS_SLAVE if _SLAVE.intersection(entry.options) else abi.MS_PRIVATE) | deep)
    flags, _ = mount_options(entry.options)
    mount("", place, None, abi.MS_REMOUNT | abi.MS_BIND | abi.MS_NODEV | flags)


def _make_place(path: str, *, folder: bool) -> None:
    """Something to mount on, if nothing is there."""
    if os.path.lexists(path):
        return
    os.makedirs(path if folder else os.path.dirname(path), 0o755, exist_ok=True)
    if not folder:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))


def _fill_dev() -> None:
    """null, zero, full, random, urandom, tty, and the links that programs expect."""
    for name, minor in _DEVICES:
        os.mknod(f"/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(1, minor))
    os.mknod("/dev/tty", stat.S_IFCHR | 0o666, os.makedev(*_TTY))
    for name, target in _LINKS:
        os.symlink(target, f"/dev/{name}")
