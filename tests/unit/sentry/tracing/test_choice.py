"""Names of calls and of sets of them."""

from __future__ import annotations

import pytest

from wirt.errors import InvalidInput
from wirt.sentry.tracing.choice import SETS, chosen


def test_nothing_means_all() -> None:
    assert chosen(()) is None
    assert chosen(("",)) is None


def test_names_and_sets_come_together() -> None:
    found = chosen(("read", "memory"))
    assert found is not None
    assert {"read", "mmap", "brk"} <= found
    assert "write" not in found


def test_sets_hold_what_strace_has_in_them() -> None:
    for name, some in {
        "file": ("open", "openat", "stat", "execve", "unlink"),
        "desc": ("read", "close", "fcntl", "openat"),
        "process": ("clone", "wait4", "exit_group"),
        "network": ("socket", "connect", "sendmsg"),
        "signal": ("rt_sigaction", "rt_sigprocmask"),
        "%file": ("openat",),
    }.items():
        found = chosen((name,))
        assert found is not None
        assert found.issuperset(some), name
    assert all(chosen((name,)) for name in SETS)


def test_what_is_left_out() -> None:
    found = chosen(("!futex", "!time"))
    assert found is not None
    assert "read" in found
    assert not found & {"futex", "clock_gettime"}
    assert chosen(("file", "!openat")) == (chosen(("file",)) or frozenset()) - {"openat"}


def test_unknown_names_are_told() -> None:
    with pytest.raises(InvalidInput, match="'opne' is neither a system call nor a set"):
        chosen(("opne",))
