"""A micro guest that was saved: the files of one in a folder.

``guest.json`` was written by us: its processes, by the guest's numbers, each with the pieces of its memory (address,
size, offset in ``memory``) and the open files behind its descriptors; which sockets are connected to each other; and
the archives of what it has in tmpfs.
``state-N`` is what the monitor of process N said of it, so it is read in a jail only.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from wirt.abi.linux.mount import MOUNT_ATTR_RDONLY
from wirt.host import fsmount
from wirt.sentry.checkpoint.saved import SavedGuest, SavedProcess
from wirt.sentry.descriptors import hide

__all__ = ["GUEST", "MEMORY", "open_saved", "state_name"]

GUEST, MEMORY = "guest.json", "memory"
_READ = os.O_RDONLY | os.O_CLOEXEC


def state_name(pid: int) -> str:
    """``pid``: the guest's number of a process."""
    return f"state-{pid}"


def open_saved(folder: str) -> SavedGuest:
    """While the host's files are in sight. ``OSError`` when they are missing, ``ValueError`` when they are damaged."""
    path = Path(folder)
    tree = fsmount.clone_tree(folder, recursive=False)
    try:
        # Others go on from the same files, and a monitor may open again what it has open.
        fsmount.set_attributes(tree, MOUNT_ATTR_RDONLY, recursive=False)
        plan: dict[str, Any] = json.loads((path / GUEST).read_bytes())
        processes = tuple(
            SavedProcess(
                pid=each["pid"],
                state=(path / state_name(each["pid"])).read_bytes(),
                pieces=tuple((phys, size, offset) for phys, size, offset in each["pieces"]),
                files={int(fd): number for fd, number in each["files"].items()},
            )
            for each in plan["processes"]
        )
        pairs = {int(inode): peer for inode, peer in plan["pairs"].items()}
        tmpfs = tuple((place, hide(os.open(name, _READ, dir_fd=tree))) for place, name in plan["tmpfs"])
        memory = hide(os.open(MEMORY, _READ, dir_fd=tree))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path / GUEST} is damaged") from error
    finally:
        os.close(tree)
    return SavedGuest(processes, pairs, memory, tmpfs)
