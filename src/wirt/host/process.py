"""prctl(2): names, parents and privileges of the calling process."""

from __future__ import annotations

import ctypes
import os

from wirt.abi.linux import prctl
from wirt.host.libc import checked, libc

__all__ = ["become_subreaper", "die_with_parent", "set_name", "set_no_new_privs"]


def _prctl(option: int, value: int | bytes) -> None:
    argument = ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_ulong(value)
    checked(libc.prctl(ctypes.c_int(option), argument, 0, 0, 0), "prctl")


def become_subreaper() -> None:
    """Orphans below us become our children, not init's: that is how a keeper sees a guest's exit status."""
    _prctl(prctl.PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(signal: int) -> None:
    """``signal`` reaches us when the thread that forked us ends."""
    _prctl(prctl.PR_SET_PDEATHSIG, signal)


def set_name(name: str) -> None:
    """The name ps and top show, 15 bytes at most."""
    _prctl(prctl.PR_SET_NAME, os.fsencode(name)[:15])


def set_no_new_privs() -> None:
    """No execve(2) grants more than we have."""
    _prctl(prctl.PR_SET_NO_NEW_PRIVS, 1)
