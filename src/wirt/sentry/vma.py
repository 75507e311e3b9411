"""One mapping of a guest process, and the ordered set of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["COPIED", "LEFT_OUT", "NOWHERE", "WIPED", "Vma", "VmaSet"]

COPIED, LEFT_OUT, WIPED = range(3)
NOWHERE = 1 << 62  # a ``delta``: no address of a guest becomes one that a processor could use


@dataclass(slots=True)
class Vma:
    """``start`` to ``end``, page multiples. ``rights``: PROT_READ 1, WRITE 2, EXEC 4.

    ``phys``: its extent of guest-physical memory, as long as it is; -1 for a reservation that was never accessible.
    ``delta``: what turns one of its addresses into the host's; NOWHERE without an extent. One without has no rights.
    ``fd_backed``: its pages may be missing (a file may be shorter): touched by the kernel for us, never directly.
    ``may``: the rights that mprotect can give.
    """

    start: int
    end: int
    rights: int
    phys: int = -1
    delta: int = NOWHERE
    shared: bool = False
    fd_backed: bool = False
    may: int = 7
    name: str = ""
    offset: int = 0
    device: int = 0
    inode: int = 0
    grows_down: bool = False
    on_fork: int = 0  # what becomes of it in a child: COPIED, LEFT_OUT or WIPED
    short: bool = False  # its file may end before it does, so pages are shown one at a time (AddressSpace.shorten)

    @property
    def size(self) -> int:
        return self.end - self.start

    def cut(self, start: int, end: int) -> Vma:
        """The part of it from ``start`` to ``end``."""
        skipped = start - self.start
        phys = self.phys + skipped if self.phys >= 0 else -1
        return replace(self, start=start, end=end, phys=phys, offset=self.offset + skipped)


class VmaSet:
    """Mappings in order, none over another.

    One thread changes it at a time; others look meanwhile. So a change makes new lists and puts them in place at once.
    """

    def __init__(self) -> None:
        self._lists: tuple[list[int], list[Vma]] = ([], [])  # where they start, and they

    def __iter__(self) -> Iterator[Vma]:
        return iter(self._lists[1])

    def __len__(self) -> int:
        return len(self._lists[1])

    def find(self, address: int) -> Vma | None:
        """The mapping that holds ``address``."""
        starts, items = self._lists
        index = bisect_right(starts, address) - 1
        if index >= 0 and address < items[index].end:
            return items[index]
        return None

    def above(self, address: int) -> Vma | None:
        """The first mapping that starts above ``address``."""
        starts, items = self._lists
        index = bisect_right(starts, address)
        return items[index] if index < len(items) else None

    def add(self, vma: Vma) -> None:
        starts, items = self._lists
        at = bisect_right(starts, vma.start)
        self._lists = ([*starts[:at], vma.start, *starts[at:]], [*items[:at], vma, *items[at:]])

    def replace(self, old: Vma, new: Vma) -> None:
        """``new`` instead of ``old``, in one change."""
        items = sorted([new, *(vma for vma in self._lists[1] if vma is not old)], key=lambda vma: vma.start)
        self._lists = ([vma.start for vma in items], items)

    def between(self, start: int, end: int) -> list[Vma]:
        """Every mapping with a page in ``start`` to ``end``."""
        first, last = self._span(start, end)
        return self._lists[1][first:last]

    def _span(self, start: int, end: int) -> tuple[int, int]:
        starts, items = self._lists
        first = bisect_right(starts, start) - 1
        if first < 0 or items[first].end <= start:
            first += 1
        return first, max(first, bisect_left(starts, end))

    def split(self, address: int) -> None:
        """Afterwards no mapping reaches over ``address``."""
        vma = self.find(address)
        if vma is not None and vma.start < address:
            self.add(vma.cut(address, vma.end))
            vma.end = address

    def take(self, start: int, end: int) -> list[Vma]:
        """Remove what lies in ``start`` to ``end`` and return it, cut at the edges."""
        self.split(start)
        self.split(end)
        first, last = self._span(start, end)
        starts, items = self._lists
        self._lists = (starts[:first] + starts[last:], items[:first] + items[last:])
        return items[first:last]

    def isolate(self, start: int, end: int) -> list[Vma]:
        """The mappings in ``start`` to ``end``, cut at the edges, left where they are."""
        self.split(start)
        self.split(end)
        return self.between(start, end)

    def clear(self) -> list[Vma]:
        _, everything = self._lists
        self._lists = ([], [])
        return everything

    def gap_below(self, top: int, size: int, bottom: int) -> int:
        """The start of the highest free range of ``size`` between ``bottom`` and ``top``; -1 when there is none."""
        end = top
        for vma in reversed(self._lists[1]):
            if vma.start >= top:
                continue
            if end - vma.end >= size:
                return end - size
            end = min(end, vma.start)
            if end - bottom < size:
                return -1
        return end - size if end - bottom >= size else -1
