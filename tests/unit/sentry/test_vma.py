"""The set of mappings against a plain model: a dictionary from page to what is there."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from wirt.sentry.vma import Vma, VmaSet

PAGE = 4096
PAGES = st.integers(min_value=16, max_value=48)
STEPS = st.lists(st.tuples(st.sampled_from(["add", "take", "isolate"]), PAGES, st.integers(1, 12)), max_size=40)


def pages(vmas: VmaSet) -> dict[int, int]:
    """page -> the guest-physical page behind it."""
    return {at // PAGE: vma.phys + at - vma.start for vma in vmas for at in range(vma.start, vma.end, PAGE)}


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_set_agrees_with_a_dictionary_of_pages(steps: list[tuple[str, int, int]]) -> None:
    vmas, model, phys = VmaSet(), {}, 0
    for what, first, count in steps:
        start, end = first * PAGE, (first + count) * PAGE
        if what == "isolate":
            inside = vmas.isolate(start, end)
            assert all(start <= vma.start and vma.end <= end for vma in inside)
        else:
            taken = vmas.take(start, end)
            covered = {at // PAGE for vma in taken for at in range(vma.start, vma.end, PAGE)}
            assert covered == {page for page in model if first <= page < first + count}
            for page in covered:
                del model[page]
        if what == "add":
            vmas.add(Vma(start, end, 3, phys=phys))
            model.update({first + index: phys + index * PAGE for index in range(count)})
            phys += 1 << 20
        assert pages(vmas) == model
        starts = [vma.start for vma in vmas]
        assert starts == sorted(starts)
        for page in range(10, 64):
            found = vmas.find(page * PAGE + 7)
            assert (found is not None) == (page in model)


@given(STEPS, st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_gap_is_the_highest_that_fits(steps: list[tuple[str, int, int]], wanted: int) -> None:
    vmas = VmaSet()
    for _, first, count in steps:
        vmas.take(first * PAGE, (first + count) * PAGE)
        vmas.add(Vma(first * PAGE, (first + count) * PAGE, 1))
    used = set(pages(vmas))
    bottom, top = 12, 56
    fitting = [at for at in range(bottom, top - wanted + 1) if used.isdisjoint(range(at, at + wanted))]
    expected = max(fitting) * PAGE if fitting else -1
    assert vmas.gap_below(top * PAGE, wanted * PAGE, bottom * PAGE) == expected


def test_cut_moves_offset_and_extent_along() -> None:
    vma = Vma(0x10000, 0x20000, 1, phys=0x5000, offset=0x3000)
    part = vma.cut(0x14000, 0x18000)
    assert (part.start, part.end, part.phys, part.offset) == (0x14000, 0x18000, 0x9000, 0x7000)
