"""A guest's root file system: overlayfs over the image's layers.

A guest's folder holds ``upper`` (what the guest wrote), ``work`` (the kernel's own) and ``merged`` (the root the guest
sees). See Documentation/filesystems/overlayfs.rst in the kernel's sources.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from wirt.errors import Conflict, CorruptData, InvalidInput, Unavailable, WirtError
from wirt.host import mount as host
from wirt.host.failures import explained
from wirt.host.trees import remove_tree
from wirt.model.finding import Finding, Level

__all__ = ["is_rootfs_mounted", "mount_rootfs", "probe", "remove_guest_dir", "unmount_rootfs"]

# Features that record a change elsewhere than in the plain tree are off, whatever the kernel's defaults: what reads the
# upper folder reads it as it lies there. No index: an upper folder mounts again after kill -9.
_FEATURES = "redirect_dir=off,metacopy=off,index=off"
_MOST_OPTIONS = os.sysconf("SC_PAGE_SIZE") - 1  # mount(2) takes a page of them
_SPECIAL = re.compile(r"[:,\\]")  # overlayfs reads these in a path as its own


def mount_rootfs(lower: Sequence[Path], guest_dir: Path, *, volatile: bool = False) -> Path:
    """Mount the layers ``lower``, topmost first, below ``guest_dir``/upper; returns the merged root.

    Mounted already: nothing happens. ``volatile`` is for a guest that is deleted at its end: otherwise each unmount
    syncs the *whole* file system the guest lies on. After a power loss such a guest can only be deleted.
    """
    if not lower:
        raise InvalidInput("the image has no layers, so there is no root file system to start from")
    upper, work, merged = (guest_dir / name for name in ("upper", "work", "merged"))
    if host.is_mounted(os.fspath(merged)):
        return merged
    try:
        if not merged.exists():
            _make_folders(lower[0], upper, work, merged)
        elif (incompatible := work / "work/incompat").exists():
            remove_tree(incompatible)  # left by a volatile mount of this guest whose unmount nobody saw
        _mount(lower, upper, work, merged, f"{_FEATURES},volatile" if volatile else _FEATURES)
    except OSError as error:
        raise _reason(error, lower, guest_dir) from error
    return merged


def unmount_rootfs(guest_dir: Path) -> None:
    """Unmount the merged root; one that somebody still looks into vanishes when they leave. Not mounted: no error."""
    merged = os.fspath(guest_dir / "merged")
    try:
        host.unmount(merged)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise explained(error, f"unmount {merged}") from error
        host.unmount(merged, lazy=True)


def is_rootfs_mounted(guest_dir: Path) -> bool:
    return host.is_mounted(os.fspath(guest_dir / "merged"))


def remove_guest_dir(guest_dir: Path) -> None:
    """Unmount and delete a guest's folder with everything in it. Not there: no error."""
    unmount_rootfs(guest_dir)
    try:
        remove_tree(guest_dir)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EBUSY):
            raise explained(error, f"delete {guest_dir}") from error
        held = ", ".join(host.mounted_below(os.fspath(guest_dir))) or "something"
        hint = f"umount {held}, then remove the guest again"
        raise Conflict(f"cannot delete {guest_dir}: {held} is mounted there", hint=hint) from error


def probe(state: Path) -> list[Finding]:
    """Whether overlayfs works on the file system of the state folder: found by using it."""
    where = _filesystem(state)
    try:
        state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=state) as folder:
            _try(Path(folder))
    except (WirtError, OSError) as error:
        return [Finding("overlay", Level.FAIL, str(error), "no guest can get a root file system", _remedy(error))]
    return [Finding("overlay", Level.OK, f"works on {where} ({state})", "guests share their image's layers")]


def _try(folder: Path) -> None:
    layer, guest = folder / "layer", folder / "guest"
    layer.mkdir()
    (layer / "file").write_text("below")
    merged = mount_rootfs([layer], guest, volatile=True)
    try:
        (merged / "file").unlink()
        if not (layer / "file").exists() or (merged / "file").exists():
            raise Unavailable("overlayfs does not keep a change in the upper folder")
    finally:
        remove_guest_dir(guest)


def _remedy(error: Exception) -> str:
    return getattr(error, "hint", "") or "put the state folder (WIRT_STATE) on ext4, xfs or btrfs"


def _make_folders(top: Path, upper: Path, work: Path, merged: Path) -> None:
    """``upper`` takes mode and owner from the topmost layer, for they become those of the guest's ``/``."""
    status = top.stat()
    upper.mkdir(parents=True, exist_ok=True)
    upper.chmod(status.st_mode & 0o7777)
    os.chown(upper, status.st_uid, status.st_gid)
    work.mkdir(exist_ok=True)
    merged.mkdir()


def _mount(lower: Sequence[Path], upper: Path, work: Path, merged: Path, features: str) -> None:
    """Give overlayfs the paths as they are, to be read in /proc/mounts; where there are too many, or they hold what it
    would misread, links to their descriptors: 19 bytes each, which is room for 200 layers on every kernel."""
    names = [os.fspath(path) for path in (*lower, upper, work)]
    options = _options(names, features)
    with ExitStack() as opened:
        if len(os.fsencode(options)) > _MOST_OPTIONS or any(map(_SPECIAL.search, names)):
            options = _options([f"/proc/self/fd/{_open(opened, name)}" for name in names], features)
        if len(options) > _MOST_OPTIONS:
            raise InvalidInput(
                f"the image has {len(lower)} layers, more than a mount can take", hint="squash the image"
            )
        host.mount("overlay", os.fspath(merged), "overlay", 0, options)


def _open(opened: ExitStack, name: str) -> int:
    fd = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    opened.callback(os.close, fd)
    return fd


def _options(names: Sequence[str], features: str) -> str:
    *lower, upper, work = names
    return f"lowerdir={':'.join(lower)},upperdir={upper},workdir={work},{features}"


def _reason(error: OSError, lower: Sequence[Path], guest_dir: Path) -> WirtError:
    missing = next((path for path in lower if not path.is_dir()), None)
    if missing:
        return CorruptData(f"the layer {missing} is missing", hint="remove the image, and load or bootstrap it again")
    match error.errno:
        case errno.ENODEV:
            return Unavailable("this kernel has no overlayfs", hint="modprobe overlay")
        case errno.EPERM:
            return Unavailable(
                "this process may not mount overlayfs", hint="run the daemon as root, outside containers"
            )
        case errno.EINVAL:
            where = _filesystem(guest_dir)
            return Unavailable(f"overlayfs cannot write to {where}", hint="put the state folder on ext4, xfs or btrfs")
    return explained(error, f"mount the root file system in {guest_dir}")


def _filesystem(path: Path) -> str:
    """The type of the file system that ``path`` is or will be on, from /proc/self/mountinfo."""
    found = next(folder for folder in (path, *path.parents) if folder.exists())
    device = found.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
        fields = (line.split() for line in lines)
        return next((each[each.index("-") + 1] for each in fields if each[2] == wanted), "this file system")
