"""What the kernel says about files and disks, in words for a person."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from wirt.errors import Forbidden, OutOfSpace, RuntimeFailure, WirtError

__all__ = ["explained", "explaining"]


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


@contextlib.contextmanager
def explaining(doing: str) -> Iterator[None]:
    """Every ``OSError`` in the body is raised as what ``explained`` makes of it."""
    try:
        yield
    except OSError as error:
        raise explained(error, doing) from error
