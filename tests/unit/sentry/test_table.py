"""The table of system calls: numbers and names are Linux's, and every gap says what it is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from wirt.abi.linux import unistd
from wirt.sentry.table import Support, collect
from wirt.vmm.vmi.abi import VMI_CALL_BASE

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
TABLE = collect()
LINUX = {number: name.removeprefix("SYS_") for name, number in vars(unistd).items() if name.startswith("SYS_")}


@pytest.mark.skipif(not HEADER.exists(), reason="linux-libc-dev is not installed")
def test_unistd_is_what_the_header_says() -> None:
    defined = {int(n): name for name, n in re.findall(r"^#define __NR_(\w+) (\d+)$", HEADER.read_text(), re.M)}
    assert defined
    assert {number: LINUX.get(number) for number in defined} == defined


def test_table_names_calls_as_linux_does() -> None:
    ours = {number: call.name for number, call in TABLE.items() if number < VMI_CALL_BASE}
    assert ours == {number: LINUX[number] for number in ours}


def test_table_says_what_is_missing_of_every_call() -> None:
    assert [call.name for call in TABLE.values() if call.support is not Support.FULL and not call.note] == []


def test_unimplemented_calls_are_in_the_header_but_not_in_the_table() -> None:
    assert set(LINUX.values()) >= unistd.UNIMPLEMENTED
    assert {call.name for call in TABLE.values()} & unistd.UNIMPLEMENTED <= {"_sysctl"}


@pytest.mark.parametrize("call", TABLE.values(), ids=lambda call: call.name)
def test_table_gives_handlers_as_many_words_as_they_take(call: object) -> None:
    inspect.signature(call.handler).bind(None, *range(call.arity))  # type: ignore[attr-defined]
