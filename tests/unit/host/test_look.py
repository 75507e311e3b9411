"""Files that are read without a descriptor of this process."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from wirt.host import _native

DIRENT = struct.Struct("<QqHB")


def names(data: bytes) -> set[str]:
    found, at = set(), 0
    while at < len(data):
        size = DIRENT.unpack_from(data, at)[2]
        found.add(os.fsdecode(data[at + DIRENT.size : at + size].partition(b"\0")[0]))
        at += size
    return found


@pytest.fixture
def folder(tmp_path: Path) -> int:
    return os.open(tmp_path, os.O_PATH)


def test_look_reads_a_file_and_lists_a_folder(folder: int, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"some text")
    room = bytearray(4096)
    size, child = _native.look(folder, os.O_RDONLY, b"text", room)
    assert room[:size] == b"some text"
    assert child > 0
    size, _ = _native.look(folder, os.O_DIRECTORY, b".", room)
    assert names(bytes(room[:size])) == {".", "..", "text"}
    os.close(folder)


def test_look_says_what_is_wrong(folder: int, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(bytes(5000))
    (tmp_path / "link").symlink_to("text")
    room = bytearray(4096)
    assert _native.look(folder, os.O_RDONLY, b"none", room)[0] == -errno.ENOENT
    assert _native.look(folder, os.O_RDONLY, b"link", room)[0] == -errno.ELOOP
    assert _native.look(folder, os.O_RDONLY, b"text", room)[0] == -errno.ERANGE
    assert _native.look(folder, os.O_DIRECTORY, b"text", room)[0] == -errno.ENOTDIR
    assert _native.look(folder, os.O_DIRECTORY, b".", bytearray(30))[0] == -errno.ERANGE
    os.close(folder)


def test_look_leaves_no_descriptor_and_no_child(folder: int) -> None:
    before = list(Path("/proc/self/fd").iterdir())
    dumpable = _native.quick(157, 3)  # prctl(2), PR_GET_DUMPABLE
    for _ in range(20):
        _native.look(folder, os.O_DIRECTORY, b".", bytearray(4096))
    assert len(list(Path("/proc/self/fd").iterdir())) == len(before)
    assert _native.quick(157, 3) == dumpable
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, 0x40000000)  # __WALL
    os.close(folder)
