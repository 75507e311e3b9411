"""What the kernel says about links and addresses, in words for a person."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from wirt.errors import OutOfSpace, RuntimeFailure, Unavailable, WirtError

__all__ = ["explained", "translated"]


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """An ``OSError`` inside becomes ours: "cannot <doing>: <the call and its reason>"."""
    try:
        yield
    except OSError as error:
        raise translated(error, doing) from error


def translated(error: OSError, doing: str) -> WirtError:
    """The error to raise for ``error`` while ``doing``."""
    message = f"cannot {doing}: {error.strerror or error}"
    match error.errno:
        case errno.EPERM | errno.EACCES | errno.EROFS:
            return Unavailable(message, hint="guest networks need root and a writable /proc/sys")
        case errno.EOPNOTSUPP | errno.EAFNOSUPPORT | errno.EPROTONOSUPPORT:
            return Unavailable(message, hint="the kernel lacks a feature: see wirt doctor")
        case errno.EXFULL:
            return Unavailable(f"{message}: a bridge has at most 1023 guests", hint="use a further network")
        case errno.ENOSPC | errno.EDQUOT:
            return OutOfSpace(message, hint="free space in /run")
    return RuntimeFailure(message, hint="see wirt doctor")
