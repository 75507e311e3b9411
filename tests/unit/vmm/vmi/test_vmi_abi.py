"""abi.py against vmi.h: constants, and where the fields of the pages are."""

from __future__ import annotations

import re
import struct

import pytest

from wirt.vmm.vmi import abi
from wirt.vmm.vmi.build import HERE

HEADER = (HERE / "vmi.h").read_text(encoding="ascii")
TYPES = {"uint32_t": "I", "uint64_t": "Q", "int64_t": "q", "uint8_t": "B"}


def defined() -> dict[str, int]:
    """Every #define of the header that has a value."""
    values: dict[str, int] = {}
    for name, text in re.findall(r"^#define (VMI_\w+) (.+)$", HEADER, re.MULTILINE):
        expression = re.sub(r"/\*.*?\*/", "", text)
        values[name] = eval(expression, {"__builtins__": {}}, dict(values))  # noqa: S307 - our own header
    return values


def structure(name: str) -> list[tuple[str, int, str]]:
    """(field, offset, struct code) of a structure in the header."""
    body = re.search(rf"struct {name} \{{(.*?)^\}};", HEADER, re.MULTILINE | re.DOTALL)
    assert body is not None
    fields, offset = [], 0
    for kind, names in re.findall(r"^    (\w+) ([^;]+);", body[1], re.MULTILINE):
        for field in names.split(", "):
            size = struct.calcsize(TYPES[kind])
            assert offset % size == 0, "no padding, so that the format below has none"
            fields.append((field, offset, TYPES[kind]))
            offset += size * int(re.sub(r"\D*\[(\d+)\]", r"\1", field) if "[" in field else 1)
    return fields


def test_constants_are_those_of_the_header() -> None:
    header = defined()
    shared = {name: value for name, value in vars(abi).items() if name in header}
    assert shared == {name: header[name] for name in shared}
    ours = {name for name, value in vars(abi).items() if name.startswith("VMI_") and isinstance(value, int)}
    assert ours - header.keys() == {"VMI_TIME_SEQUENCE", "VMI_TIME_BODY"}
    fields = {name for name in header if name.startswith("VMI_THREAD_") and name != "VMI_THREAD_SIZE"}
    assert header.keys() - ours == fields


def test_thread_page_has_its_fields_where_the_header_says() -> None:
    header, page = defined(), abi.VMI_THREAD_FORMAT.pack(*range(1, 15))
    fields = ("MAGIC", "VERSION", "FLAGS", "VCPU", "PID", "TID", "PPID", "UID", "EUID", "GID", "EGID", "CPU", "NODE")
    told = [struct.unpack_from("<I", page, header[f"VMI_THREAD_{field}"])[0] for field in fields]
    assert told == list(range(1, 14))
    assert struct.unpack_from("<Q", page, header["VMI_THREAD_TIME"]) == (14,)
    assert abi.VMI_THREAD + abi.VMI_THREAD_SIZE == abi.PAGE
    assert len(page) <= abi.VMI_THREAD_SIZE


@pytest.mark.parametrize(
    ("name", "start", "layout"),
    [("vmi_time", abi.VMI_TIME_BODY, abi.VMI_TIME_FORMAT), ("vmi_memory", 0, abi.VMI_MEMORY)],
)
def test_formats_are_the_structures_of_the_header(name: str, start: int, layout: struct.Struct) -> None:
    fields = [field for field in structure(name) if field[1] >= start and "[" not in field[0]]
    assert fields[0][1] == start
    assert layout.format == "<" + "".join(code for _, _, code in fields)
    assert layout.size == fields[-1][1] + struct.calcsize(fields[-1][2]) - start


def test_time_page_begins_with_magic_version_and_sequence() -> None:
    fields = structure("vmi_time")
    assert fields[:3] == [("magic", 0, "I"), ("version", 4, "I"), ("sequence", abi.VMI_TIME_SEQUENCE, "I")]
    assert fields[-1][1] + 32 == abi.VMI_TIME_SIZE
