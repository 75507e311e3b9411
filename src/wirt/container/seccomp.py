"""The seccomp filter of one guest: Docker's default, the user's profile, or none; made once for each kind of guest."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec

from wirt import errors
from wirt.container.facts import Facts
from wirt.container.seccomp_profile import Profile, parse, resolve
from wirt.container.seccomp_program import compile_section
from wirt.container.seccomp_table import DEFAULT_PROFILE
from wirt.container.security import UNCONFINED

__all__ = ["GuestFilter", "guest_filter"]

_X32 = "SCMP_ARCH_X32"


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
    return _made(text, choice, _Host(frozenset(caps), facts.machine, facts.kernel, facts.x32), ready)


class _Host(NamedTuple):
    """What a profile's conditions ask about."""

    caps: frozenset[str]
    machine: str
    kernel: tuple[int, int]
    x32: bool


@functools.lru_cache(maxsize=64)
def _made(text: str, origin: str, host: _Host, ready: bool) -> GuestFilter:
    section = resolve(_profile(text, origin), host.caps, host.machine, host.kernel)
    if section is None:
        return GuestFilter()
    if ready:
        return GuestFilter(msgspec.Raw(msgspec.json.encode(section)), compile_section(section) or "")
    if not host.x32:
        # Each architecture costs runc 7 ms a start. It answers calls outside the listed ones as a kernel without x32
        # does, with ENOSYS, so leaving x32 out there changes nothing else.
        architectures = tuple(name for name in section.architectures if name != _X32)
        section = msgspec.structs.replace(section, architectures=architectures)
    return GuestFilter(msgspec.Raw(msgspec.json.encode(section)))


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
