"""What the kernel says about files and disks, in words for a person."""

from __future__ import annotations

import errno
import os

from wirt.errors import Forbidden, OutOfSpace, RuntimeFailure, WirtError

__all__ = ["explained"]


def explained(error: OSError, doing: str) -> WirtError:
    """The error to raise for ``error`` while ``doing`` ("copy into the guest"); raise it ``from error``."""
    said = os.strerror(error.errno) if error.errno else str(error)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return OutOfSpace(
                f"cannot {doing}: the disk is full", hint="free space: wirt image prune, wirt volume prune"
            )
        case errno.EROFS:
            return Forbidden(f"cannot {doing}: it is read-only")
        case errno.EPERM | errno.EACCES:
            return Forbidden(f"cannot {doing}: {said}", hint="the daemon must run as root; see wirt doctor")
    return RuntimeFailure(f"cannot {doing}: {said}")
