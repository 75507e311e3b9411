"""Device nodes and the rules of the devices cgroup: Docker's defaults, ``--device``, ``--privileged``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from wirt import errors
from wirt.abi.oci_runtime import DeviceNode, DeviceRule
from wirt.model.guest import Device

__all__ = ["DEFAULT_RULES", "PRIVILEGED_RULES", "host_devices", "resolve", "rules_for"]

_EVERYTHING = "rwm"

# null, zero, full, random, urandom, tty, console and ptmx are made by every runtime and need no entry.
DEFAULT_RULES = (
    DeviceRule(allow=False, access=_EVERYTHING),
    DeviceRule(allow=True, access=_EVERYTHING, type="c", major=1, minor=5),  # zero
    DeviceRule(allow=True, access=_EVERYTHING, type="c", major=1, minor=3),  # null
    DeviceRule(allow=True, access=_EVERYTHING, type="c", major=1, minor=9),  # urandom
    DeviceRule(allow=True, access=_EVERYTHING, type="c", major=1, minor=8),  # random
    DeviceRule(allow=True, access=_EVERYTHING, type="c", major=5, minor=0),  # tty
    DeviceRule(allow=True, access=_EVERYTHING, type="c", major=5, minor=1),  # console
    DeviceRule(allow=False, access=_EVERYTHING, type="c", major=10, minor=229),  # fuse
)
PRIVILEGED_RULES = (DeviceRule(allow=True, access=_EVERYTHING),)

# Below /dev, what the guest gets of its own, or what other container engines keep there.
_NOT_SHARED = frozenset(
    ("pts", "shm", "fd", "mqueue", "console", "ptmx", ".lxc", ".lxd-mounts", ".udev", "log", "hugepages")
)


def resolve(device: Device) -> tuple[DeviceNode, ...]:
    """The nodes behind one ``--device``: itself, or all below a folder. ``InvalidInput`` when there is none."""
    if set(device.permissions) - set(_EVERYTHING) or not device.permissions:
        raise errors.InvalidInput(
            f'--device: "{device.permissions}" is no set of permissions', hint='use "rwm" or less'
        )
    host = os.path.realpath(device.host_path)
    if Path(host).is_dir():
        found = tuple(_below(host, device.guest_path, follow=True))
    else:
        node = _node(host, device.guest_path)
        found = (node,) if node else ()
    if not found:
        what = "no device" if Path(host).exists() else "no such file or directory"
        raise errors.InvalidInput(f"--device {device.host_path}: {what}")
    return found


def host_devices() -> tuple[DeviceNode, ...]:
    """Everything a privileged guest sees: the host's own /dev."""
    return tuple(_below("/dev", "/dev", follow=False))


def rules_for(nodes: tuple[DeviceNode, ...], permissions: str) -> Iterator[DeviceRule]:
    """Leave to use ``nodes``; a pipe needs none."""
    for node in nodes:
        if node.type != "p":
            yield DeviceRule(allow=True, access=permissions, type=node.type, major=node.major, minor=node.minor)


def _below(folder: str, guest_folder: str, *, follow: bool) -> Iterator[DeviceNode]:
    """``follow``: folders such as /dev/disk/by-uuid hold nothing but links to devices."""
    for parent, folders, files in os.walk(folder):
        if parent == "/dev":
            folders[:] = (name for name in folders if name not in _NOT_SHARED)
        for name in sorted(files):
            path = f"{parent}/{name}"
            wanted = path.removeprefix("/dev/") not in _NOT_SHARED and (follow or not Path(path).is_symlink())
            node = _node(path, guest_folder + path[len(folder) :]) if wanted else None
            if node:
                yield node


def _node(host_path: str, guest_path: str) -> DeviceNode | None:
    try:
        found = Path(host_path).stat()
    except OSError:
        return None
    kinds = ((stat.S_ISCHR, "c"), (stat.S_ISBLK, "b"), (stat.S_ISFIFO, "p"))
    kind = next((letter for test, letter in kinds if test(found.st_mode)), None)
    if kind is None:
        return None
    return DeviceNode(
        path=guest_path,
        type=kind,
        file_mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        major=os.major(found.st_rdev),
        minor=os.minor(found.st_rdev),
    )
