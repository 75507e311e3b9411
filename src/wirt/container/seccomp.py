"""The seccomp filter of one guest: Docker's default, the user's profile, or none; made once for each kind of guest."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from wirt import errors
from wirt.container.seccomp_profile import Profile, parse, resolve
from wirt.container.seccomp_program import compile_section
from wirt.container.seccomp_table import DEFAULT_PROFILE
from wirt.container.security import UNCONFINED
from wirt.kinds.facts import Facts

__all__ = ["GuestFilter", "guest_filter"]


@dataclass(frozen=True, slots=True)
class GuestFilter:
    """``section``: config.json's, encoded; ``None`` for no filter. ``program``: the same for crun, base64, or ""."""

    section: msgspec.Raw | None = None
    program: str = ""


def guest_filter(choice: str, caps: tuple[str, ...], facts: Facts, *, privileged: bool, ready: bool) -> GuestFilter:
    """``choice``: "" the default, "unconfined", a path, or a profile itself (JSON). ``ready``: with the program.

    A privileged guest has a filter only if one is asked for. ``InvalidInput`` for a profile that cannot be read.
    """
    if choice == UNCONFINED or (privileged and not choice):
        return GuestFilter()
    text = _read(choice) if choice else ""
    return _made(text, choice, _Host(frozenset(caps), facts.machine, facts.kernel), ready)


class _Host(NamedTuple):
    """What a profile's conditions ask about."""

    caps: frozenset[str]
    machine: str
    kernel: tuple[int, int]


@functools.lru_cache(maxsize=64)
def _made(text: str, origin: str, host: _Host, ready: bool) -> GuestFilter:
    section = resolve(_profile(text, origin), host.caps, host.machine, host.kernel)
    if section is None:
        return GuestFilter()
    program = compile_section(section) if ready else None
    return GuestFilter(msgspec.Raw(msgspec.json.encode(section)), program or "")


def _profile(text: str, origin: str) -> Profile:
    if not text:
        return DEFAULT_PROFILE
    return parse(text.encode(), "" if origin.startswith("{") else origin)


def _read(choice: str) -> str:
    if choice.lstrip().startswith("{"):
        return choice
    try:
        return Path(choice).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise errors.InvalidInput(
            f"--security-opt seccomp={choice}: {reason}",
            hint="give a profile's path on the daemon's host, or unconfined",
        ) from error
