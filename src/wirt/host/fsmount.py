"""Mounts that are descriptors before they are anywhere (fsopen(2), open_tree(2), move_mount(2)), and pivot_root(2).

A mount held by a descriptor alone is a tree of its own: nobody gets above its root, not even with "..", and it ends
with the last descriptor.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping

from wirt.abi.linux import mount as abi
from wirt.host.libc import checked, libc
from wirt.host.mount import unmount

__all__ = ["SAFE", "attach", "clone_tree", "detached", "enter_root", "set_attributes"]

SAFE = abi.MOUNT_ATTR_NOSUID | abi.MOUNT_ATTR_NODEV | abi.MOUNT_ATTR_NOEXEC


class _MountAttr(ctypes.Structure):
    """struct mount_attr, 32 bytes."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def detached(fstype: str, options: Mapping[str, str | None], attributes: int) -> int:
    """A new file system, mounted nowhere; ``options``: None for a flag. Returns its root, close-on-exec."""
    context = _call(abi.SYS_fsopen, "fsopen", fstype.encode(), abi.FSOPEN_CLOEXEC, name=fstype)
    try:
        for key, value in options.items():
            command = abi.FSCONFIG_SET_FLAG if value is None else abi.FSCONFIG_SET_STRING
            text = None if value is None else value.encode()
            _call(abi.SYS_fsconfig, "fsconfig", context, command, key.encode(), text, 0, name=key)
        _call(abi.SYS_fsconfig, "fsconfig", context, abi.FSCONFIG_CMD_CREATE, None, None, 0, name=fstype)
        return _call(abi.SYS_fsmount, "fsmount", context, abi.FSMOUNT_CLOEXEC, attributes, name=fstype)
    finally:
        os.close(context)


def clone_tree(path: str, *, recursive: bool) -> int:
    """What a bind mount of ``path`` would be, not attached to anything yet; close-on-exec."""
    flags = abi.OPEN_TREE_CLONE | abi.OPEN_TREE_CLOEXEC | (abi.AT_RECURSIVE if recursive else 0)
    return _call(abi.SYS_open_tree, "open_tree", abi.AT_FDCWD, os.fsencode(path), flags, name=path)


def attach(tree: int, target: str) -> None:
    """Mount what ``tree`` holds at ``target``."""
    flags = abi.MOVE_MOUNT_F_EMPTY_PATH | abi.MOVE_MOUNT_T_SYMLINKS
    _call(abi.SYS_move_mount, "mount", tree, b"", abi.AT_FDCWD, os.fsencode(target), flags, name=target)


def set_attributes(tree: int, attributes: int, *, recursive: bool) -> None:
    """mount_setattr(2): add MOUNT_ATTR_... to what ``tree`` holds. ``OSError`` ENOSYS before Linux 5.12."""
    wanted = _MountAttr(attr_set=attributes)
    flags = abi.AT_EMPTY_PATH | (abi.AT_RECURSIVE if recursive else 0)
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    _call(abi.SYS_mount_setattr, "mount_setattr", tree, b"", flags, ctypes.byref(wanted), size)


def enter_root(path: str) -> None:
    """Make the mount at ``path`` the root and let go of the old one (pivot_root(2), "pivot_root(".", ".")")."""
    os.chdir(path)
    _call(abi.SYS_pivot_root, "pivot_root", b".", b".", name=path)
    unmount(".", lazy=True)
    os.chdir("/")


def _call(number: int, call: str, *arguments: object, name: str = "") -> int:
    """syscall(2): Python's integers go as ``long``, whatever the call narrows them to."""
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return checked(libc.syscall(ctypes.c_long(number), *passed), call, *([name] if name else []))
