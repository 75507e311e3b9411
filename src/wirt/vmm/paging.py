"""The guest's page tables, written from outside: four levels, entries of 4 KiB and 2 MiB (Intel SDM volume 3, 4.5).

A KVM that shadows page tables does not see our writes. What it made of the lowest entries it drops when the host
mapping of the memory they showed is touched; who calls does that when an entry loses a right or changes its address:
``map``, ``unmap`` and ``protect`` say when. What it made of whole tables it keeps, and would go on using under another
entry, with the pages of one in the place of the other's. Therefore:

- A page of tables, once linked, serves its 2 MiB (1 GiB, 512 GiB) of addresses for good, also while nothing is mapped
  there, and also where a large entry could stand again.
- Large entries are made of such tables as well. Where one has been, nothing but the same is shown until KVM has dropped
  all it made (``forget_shadows``), while the entry is empty: what else was found there would be kept under a wrong
  name, and outlive its memory ("KVM: x86: Fix shadow paging use-after-free due to unexpected GFN", Linux 7).

Accessed and dirty bits are set from the start, so that the processor (or KVM) never has to write entries.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from wirt.host import _native
from wirt.vmm.layout import LARGE, PAGE, PML4, SUPERVISOR_SIZE

__all__ = ["ADDRESS", "LARGE_ENTRY", "NO_EXECUTE", "SUPERVISOR_CODE", "SUPERVISOR_DATA", "USER_RIGHTS", "PageTables"]

_PRESENT, _WRITE, _USER, _ACCESSED, _DIRTY, LARGE_ENTRY = 1, 2, 4, 0x20, 0x40, 0x80
NO_EXECUTE = 1 << 63
ADDRESS = 0x000F_FFFF_FFFF_F000
_TABLE = _PRESENT | _WRITE | _USER | _ACCESSED
_LEAF = _PRESENT | _ACCESSED | _DIRTY
_FLAGS = _WRITE | _USER | NO_EXECUTE
_ENTRIES = 512  # of a table
_LEVELS = (39, 30, 21)  # bits of an address below the part that says which table, from the top

SUPERVISOR_DATA = _LEAF | _WRITE | NO_EXECUTE
SUPERVISOR_CODE = _LEAF


def _user(rights: int) -> int:
    """The bits of an entry for PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4. Whatever may be written can be read here."""
    if not rights:
        return 0
    return _LEAF | _USER | (_WRITE if rights & 2 else 0) | (0 if rights & 4 else NO_EXECUTE)


USER_RIGHTS = tuple(_user(rights) for rights in range(8))


def _allowed(entry: int) -> int:
    """What an entry allows, as a set of bits: present, write, user, execute (in NO_EXECUTE's place)."""
    return (entry ^ NO_EXECUTE) & (_FLAGS | _PRESENT) if entry & _PRESENT else 0


class PageTables:
    """``base`` is where the host has guest-physical 0. ``take`` gives the guest-physical address of a zeroed page.

    ``forget_shadows`` makes KVM drop what it made of all tables.
    """

    __slots__ = ("_base", "_directories", "_forget_shadows", "_had_large", "_left", "_parents", "_tables", "_take",
                 "_words")  # fmt: skip

    def __init__(self, base: int, take: Callable[[], int], forget_shadows: Callable[[], None]) -> None:
        self._base = base
        self._words = memoryview((ctypes.c_char * SUPERVISOR_SIZE).from_address(base)).cast("B").cast("Q")
        self._take = take
        self._forget_shadows = forget_shadows
        self._left: dict[int, int] = {}  # address >> 21 -> the large entry that was there
        self._had_large = False
        self._parents: dict[int, int] = {}  # address >> 39 -> where its table of 1 GiB entries is
        self._directories: dict[int, int] = {}  # address >> 30 -> where its table of 2 MiB entries is
        self._tables: dict[int, int] = {}  # address >> 21 -> where its table of 4 KiB entries is

    def map(self, va: int, size: int, phys: int, bits: int) -> None:
        """Show ``phys`` at ``va`` where nothing is shown: nothing has to be touched."""
        end = va + size
        entry = phys | bits
        while va < end:
            stop = min(end, (va | LARGE - 1) + 1)
            if stop - va == LARGE and not entry & LARGE - 1 & ADDRESS and va >> 21 not in self._tables:
                self._show_large(va, entry | LARGE_ENTRY)
            else:
                self._fill(self._table(va) + (va >> 12 & 511), stop - va >> 12, entry)
            entry += stop - va
            va = stop

    def _show_large(self, va: int, entry: int) -> None:
        slot = self._slot(va)
        before = self._words[slot] or self._left.get(va >> 21, 0)
        if before and (before ^ entry) & ADDRESS:
            self._make_way(slot)
        self._words[slot] = entry
        self._had_large = True

    def _make_way(self, slot: int) -> None:
        """For something else where a large entry is or was. Threads that touch it meanwhile fault, and try again."""
        before, self._words[slot] = self._words[slot], 0
        try:
            self._forget_shadows()
        except OSError:
            self._words[slot] = before
            raise
        self._left.clear()

    def _fill(self, index: int, pages: int, entry: int) -> None:
        """Entries for ``pages`` adjacent pages, or for none when ``entry`` is 0."""
        if pages == 1:
            self._words[index] = entry
        else:
            _native.put_entries(self._base + 8 * index, entry, PAGE if entry else 0, pages)

    def unmap(self, va: int, size: int) -> None:
        """Show nothing there. What was shown must be touched, or given up."""
        end = va + size
        while va < end:
            stop = min(end, (va | LARGE - 1) + 1)
            if va >> 30 not in self._directories:
                va = min(end, (va >> 30) + 1 << 30)
                continue
            slot = self._slot(va)
            entry = self._words[slot]
            if stop - va == LARGE and entry & LARGE_ENTRY:
                self._words[slot] = 0
                self._left[va >> 21] = entry
            elif entry:
                self._fill(self._table(va) + (va >> 12 & 511), stop - va >> 12, 0)
            va = stop

    def protect(self, va: int, size: int, phys: int, bits: int) -> bool:
        """Show ``phys`` at ``va``, where it is shown already, with other rights. True when one is lost: touch it."""
        lost = self._loses(va, va + size, bits)
        if bits:
            self.map(va, size, phys, bits)
        else:
            self.unmap(va, size)
        return lost

    def _loses(self, va: int, end: int, bits: int) -> bool:
        missing = ~_allowed(bits)
        while va < end:
            stop = min(end, (va | LARGE - 1) + 1)
            if va >> 30 in self._directories:
                entry = self._words[self._slot(va)]
                if entry & LARGE_ENTRY:
                    found = {entry & (_FLAGS | _PRESENT)}
                elif entry:
                    first = self._tables[va >> 21] + (va >> 12 & 511)
                    found = {word & (_FLAGS | _PRESENT) for word in self._words[first : first + (stop - va >> 12)]}
                else:
                    found = set()
                if any(_allowed(word) & missing for word in found):
                    return True
            va = stop
        return False

    def entry(self, va: int) -> int:
        """The entry that translates ``va``, 0 without one. Its address part is that of the page or of the 2 MiB."""
        return self.look_up(va)[0]

    def allows(self, va: int, right: int) -> bool:
        """Whether PROT_READ 1, PROT_WRITE 2 or PROT_EXEC 4 is given at ``va``."""
        wanted = USER_RIGHTS[right]
        return not _allowed(wanted) & ~_allowed(self.entry(va))

    def look_up(self, va: int) -> tuple[int, int]:
        """The entry that translates ``va``, or 0, and the address behind all that this entry, or its lack, is about."""
        if va >> 30 not in self._directories:
            return 0, (va >> 30) + 1 << 30
        entry: int = self._words[self._slot(va)]
        if entry & LARGE_ENTRY or not entry:
            return entry, (va >> 21) + 1 << 21
        return int(self._words[self._tables[va >> 21] + (va >> 12 & 511)]), (va >> 12) + 1 << 12

    def places(self) -> list[list[list[int]]]:
        """Where the tables of each level are, from the top, as [part of the address, index of words]: plain data."""
        return [[list(pair) for pair in level.items()] for level in (self._parents, self._directories, self._tables)]

    def adopt(self, places: list[list[list[int]]]) -> None:
        """The tables are where ``places`` says; the caller puts their contents there. ValueError for what cannot be."""
        if len(places) != len(_LEVELS):
            raise ValueError("page tables of another processor")
        for level, bits in zip(places, _LEVELS, strict=True):
            for part, word in level:
                if not 0 <= part < 1 << 64 - bits or not 0 <= word < SUPERVISOR_SIZE >> 3 or word % _ENTRIES:
                    raise ValueError("page tables outside of the supervisor region")
        self._parents, self._directories, self._tables = (dict(level) for level in places)  # type: ignore[arg-type]
        self._had_large = True  # perhaps

    def unshadowed(self) -> None:
        """For a machine that has not run yet."""
        self._left.clear()

    def clear(self) -> None:
        """Show nothing in the user half any more. Everything that was shown must be touched or given up."""
        for address, directory in self._directories.items():
            if address << 30 < 1 << 47:
                self._fill(directory, 512, 0)
        if self._had_large:
            self._forget_shadows()
            self._left.clear()
            self._had_large = False

    def _slot(self, va: int) -> int:
        """Where the 2 MiB entry of ``va`` is, as an index of words."""
        directory = self._directories.get(va >> 30)
        if directory is None:
            parent = self._parents.get(va >> 39)
            if parent is None:
                parent = self._parents[va >> 39] = self._link((PML4 >> 3) + (va >> 39 & 511))
            directory = self._directories[va >> 30] = self._link(parent + (va >> 30 & 511))
        return directory + (va >> 21 & 511)

    def _table(self, va: int) -> int:
        """Where the table of 4 KiB entries for ``va`` begins; one 2 MiB entry becomes 512 that say the same."""
        slot = self._slot(va)
        table = self._tables.get(va >> 21)
        entry = self._words[slot]
        if table is None:
            table = self._take() >> 3
            if entry or va >> 21 in self._left:
                self._make_way(slot)
            self._tables[va >> 21] = table
        elif entry and not entry & LARGE_ENTRY:
            return table
        self._fill(table, 512, entry & ~LARGE_ENTRY if entry & LARGE_ENTRY else 0)
        self._words[slot] = table << 3 | _TABLE
        return table

    def _link(self, slot: int) -> int:
        page = self._take()
        self._words[slot] = page | _TABLE
        return page >> 3
