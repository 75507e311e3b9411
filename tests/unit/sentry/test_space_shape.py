"""The shape of an address space: another one that takes it has the same mappings, and goes on as the first would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.host import _native
from wirt.sentry.mm import AddressSpace
from wirt.vmm.memory import GuestMemory

PAGE = 4096
LIMIT = 256 << 20
STEPS = st.lists(
    st.tuples(st.sampled_from(["map", "unmap", "protect", "brk", "reserve"]), st.integers(0, 600), st.integers(0, 7)),
    max_size=20,
)


@contextmanager
def space() -> Iterator[AddressSpace]:
    memory = GuestMemory(LIMIT)
    try:
        yield AddressSpace(memory)
    finally:
        memory.close()


def change(mm: AddressSpace, steps: list[tuple[str, int, int]]) -> None:
    mm.brk_start = mm.brk = 0x10_0000_0000
    for step, number, rights in steps:
        vmas = list(mm.vmas)
        if step in ("map", "reserve") or not vmas:
            size = (number + 1) * PAGE
            mm.map_anonymous(mm.place_for(0, size, 0), size, 0 if step == "reserve" else rights | 1)
        elif step == "brk":
            mm.set_brk(mm.brk_start + number * PAGE // 2)
        else:
            vma = vmas[number % len(vmas)]
            start = vma.start + number % (vma.size // PAGE) * PAGE
            if step == "unmap":
                mm.unmap(start, vma.end - start)
            else:
                mm.protect(start, vma.end - start, rights)


def plain(mm: AddressSpace) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(mm.shape()))
    return found


def copy(one: AddressSpace, other: AddressSpace) -> None:
    shape = json.loads(json.dumps(one.memory.shape()))
    other.memory.reshape(shape)
    for start in range(0, shape["taken"], PAGE):
        _native.poke(other.memory.base + start, _native.peek(one.memory.base + start, PAGE))
    other.reshape(plain(one))


@given(STEPS)
def test_space_of_a_shape_is_as_the_one_before(steps: list[tuple[str, int, int]]) -> None:
    with space() as one, space() as other:
        change(one, steps)
        copy(one, other)
        assert plain(other) == plain(one)
        for vma, copied in zip(one.vmas, other.vmas, strict=True):
            assert other.memory.shown(vma.start, vma.size) == one.memory.shown(vma.start, vma.size)
            if copied.phys >= 0:
                assert copied.start + copied.delta == other.memory.host(copied.phys)
        for mm in (one, other):
            mm.set_brk(mm.brk + 5 * PAGE)
            mm.map_anonymous(0x20_0000_0000, 3 * PAGE, 3)
        assert [vma.phys for vma in other.vmas] == [vma.phys for vma in one.vmas]
        other.write(0x20_0000_0000, b"written")
        assert other.read(0x20_0000_0000, 7) == b"written"


@pytest.mark.parametrize(
    "damage",
    [
        lambda shape: shape["mappings"][0].__setitem__(0, 1),
        lambda shape: shape["mappings"][0].__setitem__(1, 1 << 60),
        lambda shape: shape["mappings"][0].__setitem__(2, 9),
        lambda shape: shape["mappings"][0].__setitem__(3, 1 << 45),
        lambda shape: shape["mappings"][0].__setitem__(3, -2),
        lambda shape: shape["mappings"].append(shape["mappings"][0]),
        lambda shape: shape["mappings"][0].pop(),
        lambda shape: shape.update(heap=[shape["heap"][0], 1 << 50]),
        lambda shape: shape.update(stack_top=-1),
        lambda shape: shape.update(arguments=[0, 1 << 63]),
    ],
    ids=str,
)
def test_shape_that_no_space_has_is_refused(damage: Any) -> None:
    with space() as one, space() as other:
        change(one, [("map", 5, 3), ("brk", 9, 0)])
        shape = plain(one)
        other.memory.reshape(one.memory.shape())
        damage(shape)
        with pytest.raises(ValueError, match=r"mapping|heap|address|argument"):
            other.reshape(shape)
