"""Free ranges: found, cut, given back, coalesced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.vmm.extents import Extents

PAGE = 4096


def test_extents_are_found_lowest_first_and_aligned() -> None:
    extents = Extents()
    extents.free(PAGE, 1 << 22)
    assert extents.allocate(PAGE, PAGE) == PAGE
    assert extents.allocate(1 << 21, 1 << 21) == 1 << 21
    assert extents.ranges() == [(2 * PAGE, 1 << 21), (1 << 22, (1 << 22) + PAGE)]
    assert extents.allocate(1 << 22, PAGE) is None


def test_extents_given_back_become_one_again() -> None:
    extents = Extents()
    extents.free(0, 4 * PAGE)
    starts = [extents.allocate(PAGE, PAGE) for _ in range(4)]
    assert extents.ranges() == []
    for index in (0, 2, 1, 3):
        extents.free(starts[index] or 0, PAGE)
    assert extents.ranges() == [(0, 4 * PAGE)]


@pytest.mark.parametrize(("start", "size"), [(0, 1), (0, 9), (7, 2), (4, 4), (3, 6), (7, 20)])
def test_extents_refuse_what_is_free_already(start: int, size: int) -> None:
    extents = Extents()
    extents.free(0, 8)
    with pytest.raises(ValueError, match="free already"):
        extents.free(start, size)
    assert extents.ranges() == [(0, 8)]


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.sampled_from([1, 2, 8])), max_size=60))
def test_extents_never_overlap_and_all_come_back(steps: list[tuple[bool, int, int]]) -> None:
    extents, taken = Extents(), list[tuple[int, int]]()
    extents.free(0, 256)
    for take, size, align in steps:
        if take or not taken:
            start = extents.allocate(size, align)
            if start is not None:
                assert start % align == 0
                assert all(start + size <= a or a + length <= start for a, length in taken)
                taken.append((start, size))
        else:
            extents.free(*taken.pop(size % len(taken)))
    for start, size in taken:
        extents.free(start, size)
    assert extents.ranges() == [(0, 256)]
