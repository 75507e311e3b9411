"""Everything that can go wrong, as one tree.

::

    WirtError
    |-- InvalidInput        what was asked makes no sense: a bad flag, value, name, archive    (400, exit 125)
    |   '-- TooLarge        there is more of it than anybody needs                             (413, exit 125)
    |-- NotFound            no such guest, image, network, volume, operation                   (404, exit 125)
    |   '-- ImageNotFound   the caller could fetch or build it
    |-- Conflict            the name or port is taken, the thing is in use, the state is wrong (409, exit 125)
    |-- Forbidden           the caller or this host's settings do not allow it                 (403, exit 125)
    |-- Unavailable         this host cannot do it: no runtime, no kernel feature, no tool     (503, exit 125)
    |-- CorruptData         a digest does not match, a file of ours does not parse             (422, exit 125)
    |-- OutOfSpace          the disk is full                                                   (507, exit 125)
    |-- StartFailed         the guest's program could not be started (exit_code 125/126/127)   (400)
    '-- RuntimeFailure      a tool we drive (runc, nft, mmdebstrap ...) failed: its own words  (500, exit 125)

An error carries what went wrong (``str(error)``, one line), what to do next (``hint``) and its cause
(``__cause__``). It becomes an HTTP status in ``api/errors.py`` and an exit code in ``cli/errors.py``, and nowhere else.
"""

from __future__ import annotations

__all__ = [
    "Conflict",
    "CorruptData",
    "Forbidden",
    "ImageNotFound",
    "InvalidInput",
    "NotFound",
    "OutOfSpace",
    "RuntimeFailure",
    "StartFailed",
    "TooLarge",
    "Unavailable",
    "WirtError",
]


class WirtError(Exception):
    """The root. ``hint`` says what to do next, or is empty."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InvalidInput(WirtError):  # noqa: N818 - the tree reads as states of affairs
    """What was asked for makes no sense, whoever asks."""


class TooLarge(InvalidInput):
    """What was sent is larger than anything of its kind has to be."""


class NotFound(WirtError):  # noqa: N818
    """There is no such thing."""


class ImageNotFound(NotFound):
    """There is no such image here."""


class Conflict(WirtError):  # noqa: N818
    """It cannot be done in the present state: a name is taken, a thing is in use."""


class Forbidden(WirtError):  # noqa: N818
    """The caller may not do this."""


class Unavailable(WirtError):  # noqa: N818
    """This host cannot do this."""


class CorruptData(WirtError):  # noqa: N818
    """Stored or received data is not what its digest or format promises."""


class OutOfSpace(WirtError):  # noqa: N818
    """The disk is full."""


class StartFailed(WirtError):  # noqa: N818
    """The guest's program could not be started.

    ``exit_code`` follows Docker: 127 not found, 126 not executable, 125 anything else.
    """

    def __init__(self, message: str, *, exit_code: int = 125, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class RuntimeFailure(WirtError):  # noqa: N818
    """A tool we drive failed; the message carries its own words."""
