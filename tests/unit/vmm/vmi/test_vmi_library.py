"""The built library taken apart: stubs, gates, and refusing what is not of this version."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from wirt.vmm.vmi import abi, build
from wirt.vmm.vmi.library import ERROR_CODES, LibraryError, idt, library, parse

OUT_FAULT, IRETQ = b"\xe6\x11", b"\x48\xcf"


def test_stub_of_each_vector_exits_and_can_return() -> None:
    built = library()
    for vector in range(abi.VMI_VECTORS):
        at = vector * abi.VMI_STUB_SIZE
        assert built.stubs[at : at + 2] == OUT_FAULT
        assert built.stubs[built.iretq(vector) :].startswith(IRETQ)
        assert built.vector(at) == built.vector(at + 2) == vector
        assert built.vector(at + 1) is None
    assert built.vector(-2) is None
    assert built.vector(abi.VMI_VECTORS * abi.VMI_STUB_SIZE) is None
    assert len(built.stubs) == abi.PAGE


def test_error_codes_are_those_of_the_architecture() -> None:
    assert sorted(ERROR_CODES) == [8, 10, 11, 12, 13, 14, 17, 21, 29, 30]


def test_idt_has_a_gate_to_every_stub_and_lets_programs_ask_for_two() -> None:
    stubs = 0xFFFF_FFFF_8000_4000
    table = idt(stubs)
    for vector in range(abi.VMI_VECTORS):
        low, selector, stack, rights, middle, high, zero = struct.unpack_from("<HHBBHII", table, vector * 16)
        assert low | middle << 16 | high << 32 == stubs + vector * abi.VMI_STUB_SIZE
        assert (selector, stack, zero) == (8, 1, 0)
        assert rights == (0xEE if vector in (3, 4) else 0x8E)


def test_library_that_is_not_of_this_version_is_refused() -> None:
    here = build.HERE
    blob = (here / "library.bin").read_bytes()
    for wrong in (b"", blob[:-1], blob[:4] + b"\xff" + blob[5:], b"\0" + blob[1:]):
        with pytest.raises(LibraryError, match="build"):
            parse(wrong, b"")


def test_library_parts_are_whole_pages() -> None:
    built = library()
    assert {len(built.user_entry.page), len(built.system_entry.page)} == {abi.PAGE}
    assert len(built.vdso) % abi.PAGE == 0
    assert built.entry(raises_privilege=True) is built.system_entry
    assert built.entry(raises_privilege=False) is built.user_entry
    assert built.user_entry.sfmask != built.system_entry.sfmask


def test_build_makes_only_what_is_older_than_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in (*build.HERE.glob("*.[chS]"), *build.HERE.glob("*.lds"), build.HERE / "build.py"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(build, "HERE", tmp_path)
    made = build.build()
    assert {path.name for path in made} == {"library.bin", "vdso.so", "sample.so"}
    assert (tmp_path / "library.bin").read_bytes() == (build.Path(build.__file__).parent / "library.bin").read_bytes()
    before = {path: path.stat().st_ino for path in made}
    os.utime(tmp_path / "vdso.lds", ns=(1 << 62, max(path.stat().st_mtime_ns for path in made) + 1))
    build.build()
    assert {path.name for path in made if path.stat().st_ino != before[path]} == {"vdso.so"}
    assert not list(tmp_path.glob(".*")), "no partial file stays"
