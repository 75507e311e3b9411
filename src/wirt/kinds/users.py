"""Who a program in a guest runs as, by the guest's own /etc/passwd and /etc/group (passwd(5), group(5)).

Both files belong to the image and later to the guest, so they are hostile: they are opened beneath the guest's root
only, must be plain files, are read up to a size, and lines that make no sense are passed over.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from wirt import errors
from wirt.host.openat2 import open_in_root

__all__ = ["Account", "resolve"]

_MAX_FILE = 16 << 20
_MAX_ID = (1 << 31) - 1  # as Docker: what every tool on every architecture can hold


@dataclass(frozen=True, slots=True)
class Account:
    """``groups`` begin with ``gid``, as the runtime is to set them."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str = "/"


@dataclass(frozen=True, slots=True)
class _User:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(root_fd: int, user: str, group_add: tuple[str, ...] = ()) -> Account:
    """``user`` is "", "name", "uid", "name:group", "uid:gid" or a mixture; ``InvalidInput`` for who is not there."""
    name, _, group = user.partition(":")
    groups = tuple(_groups(root_fd))
    entry, known = _user(root_fd, name or "0")
    gid = entry.gid
    extra: tuple[int, ...] = ()
    if group:
        gid = _group_id(groups, group)
    elif known:
        extra = tuple(one.gid for one in groups if entry.name in one.members)
    more = tuple(_group_id(groups, one) for one in group_add)
    return Account(entry.uid, gid, tuple(dict.fromkeys((gid, *extra, *more))), entry.home)


def _user(root_fd: int, name: str) -> tuple[_User, bool]:
    """The entry, and whether the file has it: a number needs none."""
    number = _number(name)
    for entry in _users(root_fd):
        if entry.name == name or entry.uid == number:
            return entry, True
    if number is None:
        raise errors.InvalidInput(
            f"unable to find user {name}: no matching entries in passwd file", hint="a number needs no entry: -u UID"
        )
    return _User("", _checked(number), 0, "/"), False


def _group_id(groups: tuple[_Group, ...], name: str) -> int:
    number = _number(name)
    for entry in groups:
        if entry.name == name or entry.gid == number:
            return entry.gid
    if number is None:
        raise errors.InvalidInput(
            f"unable to find group {name}: no matching entries in group file", hint="a number needs no entry"
        )
    return _checked(number)


def _users(root_fd: int) -> Iterator[_User]:
    for fields in _records(root_fd, "/etc/passwd", 6):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            yield _User(fields[0], uid, gid, fields[5] or "/")


def _groups(root_fd: int) -> Iterator[_Group]:
    for fields in _records(root_fd, "/etc/group", 3):
        gid = _number(fields[2])
        if gid is not None:
            yield _Group(fields[0], gid, tuple(fields[3].split(",")) if len(fields) > 3 else ())


def _records(root_fd: int, path: str, fields: int) -> Iterator[list[str]]:
    for line in _content(root_fd, path).splitlines():
        record = line.strip().split(":")
        if len(record) >= fields and record[0] and not record[0].startswith("#"):
            yield record


def _content(root_fd: int, path: str) -> str:
    """The file's text; "" when the guest has none, or something else than a file in its place."""
    try:
        found = open_in_root(root_fd, path, os.O_PATH)
    except OSError:
        return ""
    try:
        # Opening a pipe would wait and opening a device may do anything, so that is for files only.
        if not stat.S_ISREG(os.fstat(found).st_mode):
            return ""
        with open(f"/proc/self/fd/{found}", "rb") as file:
            return file.read(_MAX_FILE).decode("utf-8", "surrogateescape")
    finally:
        os.close(found)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _checked(number: int) -> int:
    if number > _MAX_ID:
        raise errors.InvalidInput(f"uids and gids must be in the range 0-{_MAX_ID}, not {number}")
    return number
