"""Bearer tokens (RFC 6750) for connections over TCP. Kept as SHA-256: they are random, so nothing slower is needed."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from wirt.errors import InvalidInput

__all__ = ["Tokens", "digest", "new_token"]

_HEX = re.compile(r"[0-9a-f]{64}")


def new_token() -> str:
    """256 random bits, to be given to a client and not kept."""
    return secrets.token_urlsafe(32)


def digest(token: str | bytes) -> str:
    """What the settings hold of a token."""
    return hashlib.sha256(token.encode() if isinstance(token, str) else token).hexdigest()


class Tokens:
    """The accepted ones. ``digests`` as made by ``digest``."""

    def __init__(self, digests: Iterable[str]) -> None:
        self._digests = tuple(text.lower() for text in digests)
        for text in self._digests:
            if not _HEX.fullmatch(text):
                raise InvalidInput(
                    f"listen.tokens: {text[:12]!r}... is not a SHA-256 in hex",
                    hint="printf %s TOKEN | sha256sum makes one",
                )

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admit(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers (names in lower case) carries an accepted token.

        The time this takes does not tell which token was nearly right, nor how much of it.
        """
        given = [value for name, value in headers if name == b"authorization"]
        scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
        offered = digest(token.strip())
        matches = [hmac.compare_digest(known, offered) for known in self._digests]
        return any(matches) and scheme.lower() == b"bearer"
