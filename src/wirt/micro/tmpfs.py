"""What a guest keeps in memory as files: its tmpfs mounts, /dev/shm among them, as tar archives beside its memory."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from wirt.host.mount import mount, unmount
from wirt.host.tarfs import pack, unpack

__all__ = ["pack_all", "unpack_all"]

_MADE_ANEW = frozenset(("/dev", "/proc", "/sys"))
_ESCAPED = re.compile(r"\\([0-7]{3})")


def pack_all(pid: int, folder: Path) -> list[list[str]]:
    """The tmpfs mounts of a guest, whose first process ``pid`` stands still: (place in the guest, file in ``folder``).

    Sockets are not files, and stay out. ``OSError``.
    """
    packed: list[list[str]] = []
    for place in _mounts(pid):
        root = Path(f"/proc/{pid}/root{place}")
        if not any(root.iterdir()):
            continue
        name = f"tmpfs-{len(packed)}.tar"
        with open(folder / name, "wb") as out:
            pack(root, out, whiteouts=False, name="")
        packed.append([place, name])
    return packed


def _mounts(pid: int) -> list[str]:
    """Where they are (proc_pid_mountinfo(5)); of several at one place the last is what is seen."""
    places: dict[str, bool] = {}
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            words, _, rest = line.partition(" - ")
            place = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), words.split()[4])
            places[place] = rest.split()[0] == "tmpfs"
    return [place for place, is_tmpfs in places.items() if is_tmpfs and place not in _MADE_ANEW]


def unpack_all(archives: Sequence[tuple[str, int]]) -> None:
    """In a new guest whose root is ours already: (place, descriptor of an archive). The descriptors are closed."""
    mount("proc", "/proc", "proc")  # by whose links what is no plain file gets its owner and mode
    try:
        for place, fd in archives:
            with open(fd, "rb") as archive:
                if os.path.ismount(place):  # a guest may have been given other mounts
                    unpack(archive, Path(place), whiteouts=False)
    finally:
        unmount("/proc")
