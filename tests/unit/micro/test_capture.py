"""Reading a guest's memory from outside: what was touched comes, what a hostile monitor says is refused."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wirt.abi.linux import mount as ms
from wirt.abi.linux.sched import CLONE_NEWNS
from wirt.errors import Conflict, WirtError
from wirt.host.mount import mount, unmount
from wirt.host.namespaces import unshare
from wirt.micro.capture import capture
from wirt.sentry.checkpoint.save import AREA

pytestmark = pytest.mark.root

PAGE = 4096
PAGES = 300
MOST = 64 << 20


@contextmanager
def process(touched: set[int], filed: set[int] = frozenset()) -> Iterator[tuple[int, int]]:  # type: ignore[assignment]
    """Its number, and where it has ``PAGES`` pages. ``filed``: over those a private file is mapped, never touched."""
    region = mmap.mmap(-1, PAGES * PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    base = ctypes.addressof(ctypes.c_char.from_buffer(region))
    fd = os.memfd_create("memory")
    os.ftruncate(fd, PAGES * PAGE)
    for page in filed:
        os.pwrite(fd, b"file%4d" % page, page * PAGE)
    libc = ctypes.CDLL(None)
    libc.mmap.argtypes = [ctypes.c_long, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _leave_tmpfs()
        for page in filed:
            libc.mmap(base + page * PAGE, PAGE, 3, mmap.MAP_PRIVATE | 0x10, fd, page * PAGE)  # MAP_FIXED
        for page in touched:
            ctypes.memmove(base + page * PAGE, b"here%4d" % page, 8)
        os.write(writer, b"x")
        signal.pause()
    try:
        os.read(reader, 1)
        yield child, base
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for each in (reader, writer, fd):
            os.close(each)


def _leave_tmpfs() -> None:
    """In a mount namespace of our own: what a guest has in tmpfs is saved with it."""
    unshare(CLONE_NEWNS)
    mount("", "/", None, ms.MS_PRIVATE | ms.MS_REC)
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for words in reversed(mounts):
        if "tmpfs" in words[words.index("-") + 1 :]:
            unmount(words[4], lazy=True)


def records(folder: Path, pid: int, areas: bytes, state: bytes = b"{}") -> int:
    folder.mkdir(exist_ok=True)
    (folder / f"{pid}.areas").write_bytes(areas)
    (folder / f"{pid}.state").write_bytes(state)
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)


def taken(pid: int, base: int, areas: bytes, tmp_path: Path, most: int = MOST) -> dict[int, bytes]:
    """The contents of each page that was written down."""
    target = tmp_path / "saved"
    target.mkdir(exist_ok=True)
    fd = records(tmp_path / "records", pid, areas)
    try:
        capture({pid: base}, fd, target, most)
    finally:
        os.close(fd)
    [about] = json.loads((target / "guest.json").read_bytes())["processes"]
    memory = (target / "memory").read_bytes()
    assert sum(size for _, size, _ in about["pieces"]) == len(memory)
    return {
        (phys + at) // PAGE: memory[offset + at : offset + at + PAGE]
        for phys, size, offset in about["pieces"]
        for at in range(0, size, PAGE)
    }


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, PAGES - 1)), st.sets(st.integers(0, PAGES - 1), max_size=20))
def test_what_was_touched_and_what_files_hold_comes(tmp_path: Path, touched: set[int], filed: set[int]) -> None:
    with process(touched, filed) as (pid, base):
        found = taken(pid, base, AREA.pack(0, PAGES * PAGE, 0), tmp_path)
    for page in range(PAGES):
        wanted = b"here%4d" % page if page in touched else b"file%4d" % page if page in filed else b""
        assert found.get(page, bytes(PAGE))[:8] == wanted.ljust(8, b"\0"), page


def test_whole_areas_come_whole(tmp_path: Path) -> None:
    with process({3}) as (pid, base):
        found = taken(pid, base, AREA.pack(0, 5 * PAGE, 1), tmp_path)
    assert sorted(found) == [0, 1, 2, 3, 4] and found[3].startswith(b"here   3")


HOSTILE = {
    "half an area": b"x" * 23,
    "not pages": AREA.pack(1, PAGE, 0),
    "not whole pages": AREA.pack(0, PAGE + 1, 0),
    "beyond all memory": AREA.pack(0, 1 << 45, 0),
    "far beyond": AREA.pack(1 << 60, PAGE, 0),
    "around the end": AREA.pack((1 << 64) - PAGE, PAGE, 0),
    "one in another": AREA.pack(0, 4 * PAGE, 0) + AREA.pack(PAGE, PAGE, 0),
    "one twice": AREA.pack(0, PAGE, 1) * 2,
    "more than it may have": AREA.pack(0, MOST + PAGE, 1),
}


@pytest.mark.parametrize("areas", HOSTILE.values(), ids=HOSTILE)
def test_areas_that_cannot_be_are_refused(tmp_path: Path, areas: bytes) -> None:
    with process({1}) as (pid, base), pytest.raises(Conflict):
        taken(pid, base, areas, tmp_path)


def test_more_than_it_may_have_is_refused_while_it_is_read(tmp_path: Path) -> None:
    with process(set(range(PAGES))) as (pid, base), pytest.raises(Conflict, match="more memory"):
        taken(pid, base, AREA.pack(0, PAGES * PAGE, 0), tmp_path, most=10 * PAGE)


def test_a_wrong_place_gives_zeroes(tmp_path: Path) -> None:
    with process({1}) as (pid, _):
        found = taken(pid, 1 << 40, AREA.pack(0, 3 * PAGE, 1), tmp_path)
    assert set(found.values()) == {bytes(PAGE)}


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "huge", "missing"])
def test_files_that_are_none_are_refused(tmp_path: Path, kind: str) -> None:
    with process({1}) as (pid, base):
        fd = records(tmp_path / "records", pid, AREA.pack(0, PAGE, 1))
        state = tmp_path / "records" / f"{pid}.state"
        state.unlink()
        match kind:
            case "link":
                state.symlink_to("/etc/passwd")
            case "pipe":
                os.mkfifo(state)
            case "folder":
                state.mkdir()
            case "huge":
                state.touch()
                os.truncate(state, 1 << 40)
        target = tmp_path / "saved"
        target.mkdir()
        try:
            with pytest.raises(WirtError) as caught:
                capture({pid: base}, fd, target, MOST)
        finally:
            os.close(fd)
    assert "\n" not in str(caught.value)


def test_a_process_that_has_ended_is_told(tmp_path: Path) -> None:
    with process({1}) as (pid, base):
        pass
    with pytest.raises(Conflict, match="has ended"):
        taken(pid, base, AREA.pack(0, PAGE, 1), tmp_path)
