"""Headers of programs: the host's own parse as readelf reads them, and nothing hostile is more than ENOEXEC."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirt.abi import elf
from wirt.sentry.loader import Script, parse, parse_script

PROGRAMS = ["/bin/true", "/bin/bash", "/lib64/ld-linux-x86-64.so.2", "/bin/busybox"]


@pytest.mark.parametrize("path", PROGRAMS)
def test_headers_agree_with_readelf(path: str) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        image = parse(fd, os.pread(fd, 4096, 0))
    finally:
        os.close(fd)
    said = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
    loads = re.findall(r"LOAD\s+(0x\w+) (0x\w+) 0x\w+ (0x\w+) (0x\w+) ([RWE ]{3})", said)
    assert [(s.offset, s.va, s.file_size, s.memory_size) for s in image.segments] == [
        tuple(int(number, 16) for number in load[:4]) for load in loads
    ]
    assert [s.rights for s in image.segments] == [
        ("R" in load[4]) | ("W" in load[4]) << 1 | ("E" in load[4]) << 2 for load in loads
    ]
    assert image.entry == int(re.search(r"Entry point (0x\w+)", said)[1], 16)
    wanted = re.search(r"program interpreter: (.*)]", said)
    assert image.interpreter == (wanted[1].encode() if wanted else b"")


def parsed(data: bytes) -> int:
    """0, or the errno that parsing gave; anything else fails the test."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            image = parse(file.fileno(), data[:4096])
        except OSError as error:
            return error.errno
    assert all(0 <= s.file_size <= s.memory_size and s.va + s.memory_size < 1 << 47 for s in image.segments)
    assert 0 <= image.low <= image.high < 1 << 47
    return 0


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_noise_is_enoexec(data: bytes) -> None:
    assert parsed(data) == errno.ENOEXEC


@given(st.lists(st.tuples(st.integers(0, 8191), st.integers(0, 255)), max_size=24))
@settings(max_examples=400, deadline=None)
def test_changed_programs_are_parsed_or_enoexec(changes: list[tuple[int, int]]) -> None:
    with open("/bin/true", "rb") as file:
        data = bytearray(file.read(8192))
    for at, value in changes:
        data[at % 1024 if at & 1 else at] = value
    assert parsed(bytes(data)) in (0, errno.ENOEXEC)


WORDS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 4096, 2**47, 2**63, 2**64 - 4096])


@given(st.lists(st.tuples(st.sampled_from([1, 3, 6, elf.PT_GNU_STACK]), st.integers(0, 7), *[WORDS] * 6), max_size=6))
@settings(max_examples=300, deadline=None)
def test_hostile_program_headers_are_enoexec(headers: list[tuple[int, ...]]) -> None:
    ident = elf.ELF_MAGIC + bytes([2, 1, 1]) + bytes(9)
    head = elf.Elf64_Ehdr.pack(ident, 3, 62, 1, 0, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    assert parsed(head + b"".join(elf.Elf64_Phdr.pack(*header) for header in headers)) in (0, errno.ENOEXEC)


def test_script_lines() -> None:
    assert parse_script(b"#!/bin/sh\necho") == Script(b"/bin/sh", b"")
    assert parse_script(b"#! /usr/bin/env  python3 -u \nx") == Script(b"/usr/bin/env", b"python3 -u")
    assert parse_script(b"#!/bin/sh") == Script(b"/bin/sh", b"")
    assert parse_script(b"\x7fELF") is None
    for empty in (b"#!\n", b"#!   \t\n", b"#!"):
        with pytest.raises(OSError, match="Exec format error"):
            parse_script(empty)
