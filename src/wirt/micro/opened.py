"""Which descriptors of a guest's processes are one open file: what fork(2) and dup(2) have shared, and so must a copy.

Asked of the host kernel, from outside: processes of a guest may not look into each other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from wirt.abi.linux.unistd import SYS_kcmp
from wirt.host import _native
from wirt.sentry.descriptors import FD_LIMIT

__all__ = ["open_files"]

_KCMP_FILE = 0
_MOST = 1 << 16  # descriptors of all processes together


def open_files(pids: Sequence[int]) -> Mapping[int, dict[int, int]]:
    """For each process its descriptors, each with the number of the open file that it leads to. ``OSError``."""
    first: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}  # by inode: process, descriptor, number
    found: dict[int, dict[int, int]] = {}
    count = 0
    for pid in pids:
        numbers = found[pid] = {}
        for fd in sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd")):
            if fd >= FD_LIMIT or count >= _MOST:
                break
            about = os.stat(f"/proc/{pid}/fd/{fd}")
            others = first.setdefault((about.st_dev, about.st_ino, about.st_rdev), [])
            number = next((number for one, at, number in others if _is_same(one, at, pid, fd)), -1)
            if number < 0:
                number, count = count, count + 1
                others.append((pid, fd, number))
            numbers[fd] = number
    return found


def _is_same(one: int, at: int, other: int, there: int) -> bool:
    """kcmp(2)"""
    return _native.quick(SYS_kcmp, one, other, _KCMP_FILE, at, there) == 0
