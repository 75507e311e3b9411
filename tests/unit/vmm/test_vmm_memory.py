"""Guest memory without a machine: extents, page tables, what the host maps."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirt.abi.linux import unistd
from wirt.host import _native
from wirt.vmm.layout import ARENA, LARGE, PAGE, SUPERVISOR, SUPERVISOR_FIXED, GuestPhys, GuestVirt
from wirt.vmm.memory import GuestMemory, Rights
from wirt.vmm.paging import ADDRESS

VA = GuestVirt(0x1234_5600_0000)
LARGE_BIT, PRESENT, WRITE, USER, NO_EXECUTE = 0x80, 1, 2, 4, 1 << 63


@pytest.fixture
def memory() -> Iterator[GuestMemory]:
    memory = GuestMemory(64 << 20)
    yield memory
    memory.close()


def _phys(memory: GuestMemory, va: int) -> int | None:
    pieces = memory.shown(va & -PAGE, PAGE)
    return pieces[0][0] + va % PAGE if pieces else None


def test_extent_is_zeroed_aligned_and_counted(memory: GuestMemory) -> None:
    small, large = memory.allocate(PAGE), memory.allocate(3 << 20)
    assert small >= ARENA
    assert large % LARGE == 0
    assert memory.host(large) % LARGE == 0
    assert memory.used == PAGE + (3 << 20)
    assert _native.peek(memory.host(small), PAGE) == bytes(PAGE)
    memory.free(large, 3 << 20)
    assert memory.used == PAGE


def test_extent_beyond_the_limit_is_enomem(memory: GuestMemory) -> None:
    with pytest.raises(OSError, match="memory limit") as caught:
        memory.allocate((64 << 20) + PAGE)
    assert caught.value.errno == 12
    assert memory.used == 0
    phys = memory.allocate(PAGE, room=1 << 30)  # addresses are no memory
    memory.commit(PAGE)
    assert memory.used == 2 * PAGE
    memory.discard(GuestPhys(phys + PAGE), PAGE)
    assert memory.used == PAGE


def _there(memory: GuestMemory, phys: int, pages: int) -> list[bool]:
    """Which pages the host has, mincore(2)."""
    found = bytearray(pages)
    assert _native.quick(unistd.SYS_mincore, memory.base + phys, pages * PAGE, found) == 0
    return [byte & 1 == 1 for byte in found]


def test_filled_pages_are_there_before_they_are_touched(memory: GuestMemory) -> None:
    phys = memory.allocate(4 * PAGE)
    memory.fill(GuestPhys(phys + PAGE), 2 * PAGE)
    assert _there(memory, phys, 4) == [False, True, True, False]
    assert _native.peek(memory.host(phys), 4 * PAGE) == bytes(4 * PAGE)


def test_filling_what_lies_behind_a_files_end_is_no_error(memory: GuestMemory) -> None:
    phys = memory.allocate(2 * PAGE)
    with open(__file__, "rb") as file:
        memory.place(
            phys, 2 * PAGE, file.fileno(), os.fstat(file.fileno()).st_size & -PAGE, shared=False, writable=True
        )
        memory.fill(phys, 2 * PAGE)
    assert _native.peek(memory.host(phys), 1), "its last page can be read"


def test_extent_given_back_in_parts_is_zeroed(memory: GuestMemory) -> None:
    phys = memory.allocate(3 * PAGE)
    _native.poke(memory.host(phys), b"x" * 3 * PAGE)
    memory.free(GuestPhys(phys + PAGE), PAGE)
    assert _native.peek(memory.host(phys), 3 * PAGE) == b"x" * PAGE + bytes(PAGE) + b"x" * PAGE


def test_listener_hears_of_chunks_there_are_and_come(memory: GuestMemory) -> None:
    heard: list[tuple[int, int]] = []
    memory.allocate(PAGE)
    memory.attach(lambda phys, size: heard.append((phys, size)))
    assert heard == [(0, 1 << 20), (ARENA, 64 << 20)]
    memory.allocate(PAGE, room=200 << 20)
    assert heard[2:] == [(ARENA + (64 << 20), 128 << 20), (ARENA + (192 << 20), 256 << 20)]


def test_entries_are_large_where_both_addresses_are_aligned(memory: GuestMemory) -> None:
    phys = memory.allocate(6 << 20)
    memory.map(GuestVirt(VA - PAGE), PAGE, memory.allocate(PAGE), Rights.R)
    memory.map(VA, (4 << 20) + PAGE, phys, Rights.R | Rights.W)
    for offset, large in ((0, True), (LARGE, True), (2 * LARGE, False)):
        assert bool(memory.tables.entry(VA + offset) & LARGE_BIT) is large
        assert _phys(memory, VA + offset + 5) == phys + offset + 5
    assert memory.tables.entry(VA + 2 * LARGE + PAGE) == 0
    memory.map(GuestVirt(VA + (8 << 20)), LARGE, GuestPhys(phys + PAGE), Rights.R)
    assert not memory.tables.entry(VA + (8 << 20)) & LARGE_BIT


@pytest.mark.parametrize(
    ("rights", "bits"),
    [
        (Rights.R, PRESENT | USER | NO_EXECUTE),
        (Rights.W, PRESENT | USER | WRITE | NO_EXECUTE),
        (Rights.X, PRESENT | USER),
        (Rights(7), PRESENT | USER | WRITE),
        (Rights(0), 0),
    ],
)
def test_entries_have_the_rights(memory: GuestMemory, rights: Rights, bits: int) -> None:
    memory.map(VA, PAGE, memory.allocate(PAGE), rights)
    assert memory.tables.entry(VA) & (PRESENT | WRITE | USER | NO_EXECUTE) == bits


def test_protect_splits_for_good(memory: GuestMemory) -> None:
    phys = memory.allocate(LARGE)
    memory.map(VA, LARGE, phys, Rights(7))
    memory.protect(GuestVirt(VA + PAGE), PAGE, GuestPhys(phys + PAGE), Rights(0))
    assert memory.tables.entry(VA + PAGE) == 0
    assert memory.shown(VA, LARGE) == [(phys, PAGE), (phys + 2 * PAGE, LARGE - 2 * PAGE)]
    memory.protect(VA, LARGE, phys, Rights.R)
    assert not memory.tables.entry(VA) & LARGE_BIT
    assert memory.shown(VA, LARGE) == [(phys, LARGE)]


def test_protect_touches_only_when_a_right_is_lost(memory: GuestMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[tuple[int, int]] = []
    monkeypatch.setattr(GuestMemory, "touch", lambda _, phys, size: touched.append((phys, size)))
    phys = memory.allocate(4 * PAGE)
    memory.map(VA, 4 * PAGE, phys, Rights.R)
    steps = [Rights.R | Rights.W, Rights(7), Rights.R | Rights.X, Rights(7), Rights(7), Rights(0), Rights.R]
    for rights in steps:
        memory.protect(VA, 4 * PAGE, phys, rights)
        if rights & Rights.W or rights == Rights.R:
            assert touched == [], rights
        else:
            assert touched.pop() == (phys, 4 * PAGE)


def test_unmap_touches_what_was_shown(memory: GuestMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[tuple[int, int]] = []
    monkeypatch.setattr(GuestMemory, "touch", lambda _, phys, size: touched.append((phys, size)))
    phys = memory.allocate(4 * PAGE)
    memory.map(GuestVirt(VA + PAGE), 2 * PAGE, phys, Rights.R)
    memory.unmap(VA, 1 << 40)
    assert touched == [(phys, 2 * PAGE)]
    assert memory.tables.entry(VA + PAGE) == 0


def test_clear_leaves_the_supervisor_window(memory: GuestMemory) -> None:
    memory.tables.map(SUPERVISOR, PAGE, 0, PRESENT)
    memory.map(VA, 3 << 20, memory.allocate(4 << 20), Rights.R)
    memory.clear()
    assert memory.used == 0
    assert memory.shown(VA, 4 << 20) == []
    assert memory.tables.entry(SUPERVISOR) == PRESENT
    phys = memory.allocate(PAGE)
    memory.map(VA, PAGE, phys, Rights.R)
    assert memory.shown(VA, 4 << 20) == [(phys, PAGE)]


def test_read_only_file_is_touched_without_becoming_writable(memory: GuestMemory) -> None:
    file = os.memfd_create("x")
    os.ftruncate(file, 4 * PAGE)
    phys = memory.allocate(6 * PAGE)
    memory.place(GuestPhys(phys + PAGE), 4 * PAGE, file, 0, shared=True, writable=False)
    memory.place_anonymous(GuestPhys(phys + 2 * PAGE), PAGE)
    os.close(file)
    memory.touch(phys, 6 * PAGE)
    for page, writable in enumerate((True, False, True, False, False, True)):
        address = memory.host(GuestPhys(phys + page * PAGE))
        if writable:
            _native.poke_safe(address, b"y")
        else:
            with pytest.raises(OSError, match="Bad address"):
                _native.poke_safe(address, b"y")


@pytest.mark.parametrize("pieces", [False, True])
@pytest.mark.parametrize("pages", [1, 3, 5])
def test_carry_moves_anonymous_memory(memory: GuestMemory, pages: int, pieces: bool) -> None:
    old, new = memory.allocate(3 * PAGE), memory.allocate(pages * PAGE)
    contents = b"".join(bytes([65 + page]) * PAGE for page in range(3))
    _native.poke(memory.host(old), contents)
    if pieces:
        _native.call(28, memory.host(old) + PAGE, PAGE, 16)  # MADV_DONTFORK: a mapping of its own for the host
    memory.carry(old, 3 * PAGE, new, pages * PAGE, filled=False)
    kept = min(pages, 3) * PAGE
    assert _native.peek(memory.host(new), pages * PAGE) == contents[:kept].ljust(pages * PAGE, b"\0")
    assert _native.peek(memory.host(old), kept) == bytes(kept)


def test_carry_moves_a_file_and_shows_more_of_it(memory: GuestMemory) -> None:
    file = os.memfd_create("x")
    os.ftruncate(file, 4 * PAGE)
    for page in range(4):
        os.pwrite(file, bytes([65 + page]), page * PAGE)
    old, new = memory.allocate(2 * PAGE), memory.allocate(4 * PAGE)
    memory.place(old, 2 * PAGE, file, 0, shared=True, writable=True)
    memory.carry(old, 2 * PAGE, new, 4 * PAGE, filled=True)
    os.close(file)
    assert [_native.peek(memory.host(new) + page * PAGE, 1) for page in range(4)] == [b"A", b"B", b"C", b"D"]
    assert _native.peek(memory.host(old), 1) == b"\0"


def test_forget_brings_back_zeroes_or_the_file(memory: GuestMemory) -> None:
    file = os.memfd_create("x")
    os.write(file, b"f" * PAGE)
    anonymous, private = memory.allocate(PAGE), memory.allocate(PAGE)
    memory.place(private, PAGE, file, 0, shared=False, writable=False)
    os.close(file)
    for phys in (anonymous, private):
        _native.poke(memory.host(phys), b"w")
        memory.forget(phys, PAGE)
    assert (_native.peek(memory.host(anonymous), 1), _native.peek(memory.host(private), 1)) == (b"\0", b"f")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("mup"), st.integers(0, 1200), st.sampled_from([1, 3, 511, 512, 600]), st.integers(0, 7)
        ),
        max_size=25,
    )
)
def test_tables_say_what_a_plain_list_says(steps: list[tuple[str, int, int, int]]) -> None:
    """Mapping, unmapping and protecting in any order, against one entry a page."""
    memory = GuestMemory(1 << 30)
    phys = memory.allocate(4 * LARGE)
    model: dict[int, int] = {}
    try:
        for kind, first, count, rights in steps:
            va, size, at = GuestVirt(VA + first * PAGE), count * PAGE, GuestPhys(phys + first * PAGE)
            pages = range(first, first + count)
            if kind == "m":
                memory.unmap(va, size, touch=False)
                memory.map(va, size, at, Rights(rights))
                model.update(dict.fromkeys(pages, rights))
            elif kind == "u":
                memory.unmap(va, size, touch=False)
                model.update(dict.fromkeys(pages, 0))
            else:
                memory.protect(va, size, at, Rights(rights))
                model.update(dict.fromkeys(pages, rights))
        for page in range(0, 1900):
            entry, rights = memory.tables.entry(VA + page * PAGE), model.get(page, 0)
            if rights:
                assert _phys(memory, VA + page * PAGE) == phys + page * PAGE
                assert (bool(entry & WRITE), not entry & NO_EXECUTE) == (bool(rights & 2), bool(rights & 4))
            else:
                assert entry == 0
    finally:
        memory.close()


class _Shadows:
    """What a KVM with page tables of its own keeps above the lowest entries: a table for each 2 MiB it met."""

    def __init__(self, memory: GuestMemory, regions: int) -> None:
        self._memory, self._regions = memory, regions
        self._kept: dict[int, int] = {}  # number of the 2 MiB -> where a large entry leads, 0 for a table
        self.forgotten = 0
        memory.attach(lambda _phys, _size: None, forget_shadows=self._forget)

    def walk(self) -> None:
        """The program touches all that is shown."""
        for number in range(self._regions):
            found = self._found(number)
            if found is not None:
                assert self._kept.setdefault(number, found) == found, f"what was made of {number} serves something else"

    def _found(self, number: int) -> int | None:
        va = VA + number * LARGE
        entry, _ = self._memory.tables.look_up(va)
        if entry & LARGE_BIT:
            return entry & ADDRESS
        return 0 if self._memory.shown(va, LARGE) else None

    def _forget(self) -> None:
        """Threads that run meanwhile may touch anything, just before."""
        self.walk()
        self._kept.clear()
        self.forgotten += 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("mmupc"),
            st.integers(0, 3).map(lambda number: number * 512) | st.integers(0, 1600),
            st.sampled_from([1, 512, 513, 1024]),
            st.sampled_from([0, 0, 1, 512]),
        ),
        max_size=20,
    )
)
def test_what_kvm_made_of_a_large_entry_serves_nothing_else(steps: list[tuple[str, int, int, int]]) -> None:
    memory = GuestMemory(1 << 30)
    phys = memory.allocate(10 * LARGE)
    shadows = _Shadows(memory, 6)
    where: dict[int, int] = {}  # page -> how far its memory is moved
    try:
        for kind, first, count, moved in steps:
            va, size = GuestVirt(VA + first * PAGE), count * PAGE
            if kind == "c":
                memory.tables.clear()
                where.clear()
            elif kind == "p" and first in where:
                at = GuestPhys(phys + (first + where[first]) * PAGE)
                memory.protect(va, PAGE, at, Rights.R)
            else:
                memory.unmap(va, size, touch=False)
                where |= dict.fromkeys(range(first, first + count), moved) if kind == "m" else {}
                if kind == "m":
                    memory.map(va, size, GuestPhys(phys + (first + moved) * PAGE), Rights.R | Rights.W)
                else:
                    where = {page: there for page, there in where.items() if not first <= page < first + count}
            shadows.walk()
        shown = {page for page in range(6 * 512) if memory.tables.entry(VA + page * PAGE)}
        assert shown == set(where)
        assert all(_phys(memory, VA + page * PAGE) == phys + (page + there) * PAGE for page, there in where.items())
    finally:
        memory.close()


def test_shadows_are_forgotten_only_where_a_large_entry_was(memory: GuestMemory) -> None:
    shadows = _Shadows(memory, 8)
    phys, other = memory.allocate(LARGE), memory.allocate(LARGE)
    for turn in range(5):  # the same again, and small pages
        memory.map(VA, LARGE, phys, Rights(turn % 7 | 1))
        memory.map(GuestVirt(VA + LARGE), PAGE, GuestPhys(other + turn * PAGE), Rights.R)
        shadows.walk()
        memory.unmap(VA, 2 * LARGE)
    assert shadows.forgotten == 0
    memory.map(VA, LARGE, other, Rights.R)
    assert shadows.forgotten == 1
    memory.map(GuestVirt(VA + LARGE), LARGE, phys, Rights.R)
    assert not memory.tables.entry(VA + LARGE) & LARGE_BIT, "its table stays"
    memory.unmap(GuestVirt(VA + PAGE), PAGE)
    assert shadows.forgotten == 2


# -- another memory's shape ------------------------------------------------------------------------------


STEPS = st.lists(st.tuples(st.sampled_from(["take", "give", "page", "show"]), st.integers(1, 700)), max_size=25)


def _used(memory: GuestMemory, steps: list[tuple[str, int]]) -> list[tuple[GuestPhys, int]]:
    """Extents that are held, after these steps. What is shown is shown one page after another."""
    held: list[tuple[GuestPhys, int]] = []
    va = VA
    for step, number in steps:
        if step == "page":
            memory.take_page()
        elif step == "take" or not held:
            held.append((memory.allocate(number * PAGE), number * PAGE))
        elif step == "give":
            memory.free(*held.pop(number % len(held)))
        else:
            phys, size = held[number % len(held)]
            memory.map(GuestVirt(va), size, phys, Rights.R | Rights.W)
            va = GuestVirt(va + size + (number % 3) * (1 << 30))
    return held


@given(STEPS)
def test_memory_of_a_shape_is_as_the_one_before(steps: list[tuple[str, int]]) -> None:
    one, other = GuestMemory(64 << 20), GuestMemory(64 << 20)
    try:
        for phys, size in _used(one, steps):
            _native.poke(one.host(phys), phys.to_bytes(8, "little"))
            assert one.holds(phys, size)
        shape = json.loads(json.dumps(one.shape()))
        other.reshape(shape)
        assert json.loads(json.dumps(other.shape())) == shape
        assert (other.used, other.chunks) == (one.used, one.chunks)
        for start in range(0, shape["taken"], 1 << 20):
            size = min(1 << 20, shape["taken"] - start)
            _native.poke(other.base + start, _native.peek(one.base + start, size))
        assert other.shown(VA, 200 << 30) == one.shown(VA, 200 << 30)
        assert one.allocate(3 * PAGE) == other.allocate(3 * PAGE)
        assert one.take_page() == other.take_page()
        for memory in (one, other):
            memory.map(GuestVirt(VA + (300 << 30)), PAGE, GuestPhys(ARENA), Rights.R)
        assert one.shape()["tables"] == other.shape()["tables"]
    finally:
        one.close()
        other.close()


HOSTILE = [
    {"taken": 1 << 40}, {"taken": -PAGE}, {"taken": SUPERVISOR_FIXED + 1}, {"end": 1 << 60}, {"end": ARENA - PAGE},
    {"end": ARENA + PAGE}, {"used": -1}, {"used": 1 << 50}, {"free": [[0, PAGE]]}, {"free": [[ARENA, 1 << 40]]},
    {"free": [[ARENA + 1, ARENA + PAGE]]}, {"free": [[ARENA + PAGE, ARENA]]},
    {"free": [[ARENA, ARENA + 2 * PAGE], [ARENA + PAGE, ARENA + 3 * PAGE]]},
    {"tables": []}, {"tables": [[], [], [[0, 1 << 60]]]}, {"tables": [[], [[-1, 512]], []]},
    {"tables": [[[0, 513]], [], []]},
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_shape_that_no_memory_has_is_refused(memory: GuestMemory, change: dict[str, Any]) -> None:
    memory.allocate(5 * PAGE)
    other = GuestMemory(64 << 20)
    try:
        with pytest.raises(ValueError, match=r"impossible|none|free already|page tables"):
            other.reshape(memory.shape() | change)
    finally:
        other.close()


def test_shape_beyond_the_limit_is_enomem(memory: GuestMemory) -> None:
    memory.allocate(32 << 20)
    other = GuestMemory(16 << 20)
    try:
        with pytest.raises(OSError, match="memory limit"):
            other.reshape(memory.shape())
    finally:
        other.close()


def test_holds_tells_usable_memory(memory: GuestMemory) -> None:
    memory.allocate(PAGE)
    assert memory.holds(0, PAGE) and memory.holds(ARENA, 64 << 20)
    for phys, size in ((-PAGE, PAGE), (1, PAGE), (0, 0), (0, 2 << 20), (1 << 30, PAGE), (ARENA, (64 << 20) + PAGE)):
        assert not memory.holds(phys, size)
