"""Which guest-physical ranges are free. Pure bookkeeping; the lock is the owner's."""

from __future__ import annotations

from bisect import bisect_left

__all__ = ["Extents"]


class Extents:
    """Free ranges, coalesced, lowest address first. Units are bytes; everything is a multiple of a page."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def allocate(self, size: int, align: int) -> int | None:
        """The start of the first free range that holds ``size`` bytes at a multiple of ``align``; None without one."""
        for index, (start, end) in enumerate(zip(self._starts, self._ends, strict=True)):
            at = (start + align - 1) & -align
            if at + size <= end:
                self._cut(index, at, at + size)
                return at
        return None

    def _cut(self, index: int, start: int, end: int) -> None:
        """Take ``start`` to ``end`` out of the free range at ``index``, which holds it."""
        left, right = self._starts[index], self._ends[index]
        rest = [(a, b) for a, b in ((left, start), (end, right)) if a < b]
        self._starts[index : index + 1] = [a for a, _ in rest]
        self._ends[index : index + 1] = [b for _, b in rest]

    def free(self, start: int, size: int) -> None:
        """Give a range (back). ValueError when some of it is free already."""
        end = start + size
        index = bisect_left(self._starts, start)
        before = index > 0 and self._ends[index - 1] == start
        after = index < len(self._starts) and self._starts[index] == end
        if (index > 0 and self._ends[index - 1] > start) or (index < len(self._starts) and self._starts[index] < end):
            raise ValueError(f"{start:#x} to {end:#x} is free already, at least a part of it")
        if before and after:
            self._ends[index - 1] = self._ends[index]
            del self._starts[index], self._ends[index]
        elif before:
            self._ends[index - 1] = end
        elif after:
            self._starts[index] = start
        else:
            self._starts.insert(index, start)
            self._ends.insert(index, end)

    def ranges(self) -> list[tuple[int, int]]:
        """(start, end) of each free range."""
        return list(zip(self._starts, self._ends, strict=True))
