"""Bearer tokens (RFC 6750) for connections over TCP: those of the settings, and those that ``wirt token`` made."""

from __future__ import annotations

import hmac
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from wirt.errors import InvalidInput, WirtError
from wirt.host import token_file
from wirt.host.token_file import digest

__all__ = ["Tokens"]

_HEX = re.compile(r"[0-9a-f]{64}")

_log = logging.getLogger(__name__)


class Tokens:
    """The accepted ones: ``digests`` as made by ``digest``, and those that are in the file at ``path`` by now."""

    def __init__(self, digests: Iterable[str], path: Path | None = None) -> None:
        self._digests = tuple(text.lower() for text in digests)
        for text in self._digests:
            if not _HEX.fullmatch(text):
                raise InvalidInput(
                    f"listen.tokens: {text[:12]!r}... is not a SHA-256 in hex",
                    hint="printf %s TOKEN | sha256sum makes one",
                )
        self._path = path
        self._seen: tuple[int, int] | None = None  # the file that was read: its inode and when it changed
        self._filed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._known())

    def admit(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers (names in lower case) carries an accepted token.

        The time this takes does not tell which token was nearly right, nor how much of it.
        """
        given = [value for name, value in headers if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        offered = digest(token.strip())
        matches = [hmac.compare_digest(known, offered) for known in self._known()]
        return any(matches) and scheme.lower() == b"bearer"

    def _known(self) -> tuple[str, ...]:
        if self._path is not None and (seen := _state(self._path)) != self._seen:
            self._filed, self._seen = _filed(self._path), seen
        return self._digests + self._filed


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _filed(path: Path) -> tuple[str, ...]:
    """Where the file cannot be read, nobody comes in by it."""
    try:
        return tuple(entry.sha256 for entry in token_file.read(os.fspath(path)))
    except (WirtError, OSError) as error:
        _log.warning("the tokens are not accepted: %s", error)
        return ()
