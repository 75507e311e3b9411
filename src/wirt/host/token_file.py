"""Tokens of clients on TCP: the file that the command changes and the daemon reads.

A line for each: name, SHA-256 of the token in hexadecimal, Unix time when it was made. The tokens themselves are kept
nowhere; they are random, so nothing slower than SHA-256 is needed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import time

from wirt.errors import Conflict, CorruptData, InvalidInput, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Entry", "add", "digest", "new_token", "read", "remove"]

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}")
_LINE = re.compile(r"(\S+) ([0-9a-f]{64}) ([0-9]+)")


class Entry:
    """What is known of one token; ``created`` in Unix seconds."""

    __slots__ = ("created", "name", "sha256")

    def __init__(self, name: str, sha256: str, created: int) -> None:
        self.name, self.sha256, self.created = name, sha256, created

    def __str__(self) -> str:
        return f"{self.name} {self.sha256} {self.created}"


def new_token() -> str:
    """256 random bits, to be given to a client and not kept."""
    return secrets.token_urlsafe(32)


def digest(token: str | bytes) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode() if isinstance(token, str) else token).hexdigest()


def read(path: str) -> list[Entry]:
    """The tokens in the file at ``path``, none where there is no file. ``CorruptData`` names the line."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    return [_entry(path, number, line) for number, line in enumerate(lines, 1)]


def add(path: str, name: str) -> str:
    """A new token of that name. ``InvalidInput`` where it is no name, ``Conflict`` where it is taken."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is no name of a token", hint="letters, digits, '_', '.', '-'; at most 64")
    token = new_token()
    with _locked(path):
        entries = read(path)
        if any(entry.name == name for entry in entries):
            raise Conflict(f"there is a token {name} already", hint=f"remove it first: wirt token rm {name}")
        _write(path, [*entries, Entry(name, digest(token), int(time.time()))])
    return token


def remove(path: str, name: str) -> None:
    """``NotFound`` where there is none of that name."""
    with _locked(path):
        entries = read(path)
        kept = [entry for entry in entries if entry.name != name]
        if len(kept) == len(entries):
            raise NotFound(f"no such token: {name}", hint="wirt token ls lists them")
        _write(path, kept)


def _entry(path: str, number: int, line: str) -> Entry:
    match = _LINE.fullmatch(line)
    if match is None:
        raise CorruptData(f"{path}: line {number} is not a token's", hint="remove the line, or the file")
    return Entry(match[1], match[2], int(match[3]))


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Of two commands at once, neither loses what the other wrote."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _write(path: str, entries: list[Entry]) -> None:
    """Aside and renamed: a reader sees all of it, before or after."""
    aside = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(aside)
    with open(
        os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="ascii"
    ) as file:
        file.write("".join([f"{entry}\n" for entry in entries]))
        file.flush()
        os.fsync(file.fileno())
    os.rename(aside, path)
