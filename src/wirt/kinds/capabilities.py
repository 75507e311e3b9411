"""Which capabilities a guest holds: Docker's default set, ``--cap-add``, ``--cap-drop``, ``--privileged``.

Nobody can give what he does not have: on a host where the daemon itself lacks a capability, "ALL" and ``--privileged``
mean what is there, and asking for the missing one by name is an error that says so.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from wirt import errors
from wirt.abi.linux.capability import CAPABILITIES

__all__ = ["DEFAULT", "available", "granted"]

# 00000000a80425fb, https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities
_DEFAULT = """
CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL
AUDIT_WRITE
"""
DEFAULT = tuple(f"CAP_{name}" for name in _DEFAULT.split())
_ALL = "ALL"


@functools.cache
def available() -> tuple[str, ...]:
    """What this process may hand on: its permitted and bounding sets (proc_pid_status(5))."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        masks = dict(line.split(":", 1) for line in file if line.startswith("Cap"))
    mask = int(masks["CapPrm"], 16) & int(masks["CapBnd"], 16)
    return tuple(name for number, name in enumerate(CAPABILITIES) if mask >> number & 1)


def granted(add: tuple[str, ...], drop: tuple[str, ...], *, privileged: bool) -> tuple[str, ...]:
    """The bounding set of a guest. ``InvalidInput`` for a name that is none, or that this host cannot give."""
    have = available()
    if privileged:
        return have
    if not add and not drop:
        return tuple(name for name in DEFAULT if name in have)
    added, dropped = _normal(add, "--cap-add"), _normal(drop, "--cap-drop")
    if _ALL in added:
        return tuple(name for name in have if name not in dropped)
    if _ALL in dropped:
        return _unique(added)
    return _unique([*(name for name in DEFAULT if name in have and name not in dropped), *added])


def _normal(names: tuple[str, ...], flag: str) -> list[str]:
    return [_known(name.upper(), flag) for name in names]


def _known(name: str, flag: str) -> str:
    if name == _ALL:
        return name
    full = name if name.startswith("CAP_") else f"CAP_{name}"
    if full not in CAPABILITIES:
        raise errors.InvalidInput(f"{flag}: unknown capability {full}", hint="capabilities(7) lists the names")
    if full not in available() and flag == "--cap-add":
        raise errors.InvalidInput(
            f"{flag}: {full} is not available here", hint="the daemon does not hold it itself: see wirt doctor"
        )
    return full


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
