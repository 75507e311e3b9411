"""The memory of one address space: what the guest sees as its RAM, the extents in it, and the page tables.

One reservation of host addresses holds all of it; ``layout`` says what is where. It becomes usable in chunks, each
twice as large as the one before, and each is told to the virtual machine that uses the memory (``attach``). The
program's part is private and anonymous: fork(2) copies it on write, and the child attaches a machine of its own. Files
are mapped over it.

Lock: the owner's, one change at a time. Other threads may use addresses that they know to be mapped meanwhile.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from enum import IntFlag
from typing import Any, Protocol

from wirt.abi.linux import mman, unistd
from wirt.host import _native
from wirt.vmm.extents import Extents
from wirt.vmm.layout import (
    ARENA,
    LARGE,
    PAGE,
    SUPERVISOR_FIXED,
    SUPERVISOR_SIZE,
    GuestPhys,
    GuestVirt,
    HostAddr,
)
from wirt.vmm.paging import ADDRESS, LARGE_ENTRY, USER_RIGHTS, PageTables

__all__ = ["CAPACITY", "GuestMemory", "Rights", "Translator"]

CAPACITY = 256 << 30  # bytes of extents: with ARENA below 2**39, which every processor can address
_FIRST_SUPERVISOR_CHUNK = 1 << 20
_FIRST_CHUNK = 64 << 20
_COPY = 1 << 20
_SHM_RDONLY, _SHM_REMAP = 0o10000, 0o40000

_READ_WRITE = mman.PROT_READ | mman.PROT_WRITE
_ANONYMOUS = mman.MAP_PRIVATE | mman.MAP_ANONYMOUS | mman.MAP_NORESERVE


class Rights(IntFlag):
    """The PROT_* bits. Write implies read, as the processor has it."""

    NONE = 0
    R = 1
    W = 2
    X = 4


class Translator(Protocol):
    """Who emulates the guest's processor, and so keeps what it made of page tables and of code."""

    def revoked(self) -> None:
        """Entries lost rights or are gone: they are not used any more when this returns."""

    def executable(self, va: int, size: int, phys: int, *, shared: bool) -> None:
        """What is there may be executed from now on, and may not be what was there before.

        ``shared``: it may change without the guest's writing there.
        """

    def cleared(self) -> None:
        """Everything of the program's is gone."""


def _host(nr: int, name: str, *words: int) -> int:
    result = _native.quick(nr, *words)
    if result < 0:
        raise OSError(-result, f"{name}: {os.strerror(-result)}")
    return result


class GuestMemory:
    """``limit``: how many bytes extents may hold together; more is OSError(ENOMEM)."""

    __slots__ = ("_chunk_end", "_extents", "_listener", "_read_only", "_shadows", "_supervisor_end", "_taken",
                 "_translator", "base", "chunks", "limit", "prepared", "tables", "used")  # fmt: skip

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.prepared = False  # a machine has put into the supervisor region what its processor needs
        size = ARENA + CAPACITY
        flags = _ANONYMOUS
        found = _host(unistd.SYS_mmap, "mmap", 0, size + LARGE, mman.PROT_NONE, flags, -1, 0)
        self.base = (found + LARGE - 1) & -LARGE  # so that the host's large pages lie where the guest's do
        self.chunks: list[tuple[int, int]] = []  # (guest-physical address, size) of what can be used
        self._listener: Callable[[int, int], None] | None = None
        self._translator: Translator | None = None
        self._shadows: Callable[[], None] | None = None
        self._read_only: dict[int, int] = {}  # start -> end of what the host maps for reading only
        self._extents = Extents()
        self._taken, self._supervisor_end = SUPERVISOR_FIXED, 0
        self._open(0, _FIRST_SUPERVISOR_CHUNK)
        self._supervisor_end = _FIRST_SUPERVISOR_CHUNK
        self._chunk_end = ARENA
        self.tables = PageTables(self.base, self.take_page, self._forget_shadows)

    def attach(
        self,
        listener: Callable[[int, int], None],
        translator: Translator | None = None,
        forget_shadows: Callable[[], None] | None = None,
    ) -> None:
        """From now on ``listener(guest-physical address, size)`` hears of each chunk; of those there are at once.

        Without ``translator`` lost rights are made to be so by touching the host's mapping, which KVM notices.
        ``forget_shadows``: of a KVM that shadows page tables, and drops then what it made of all of them.
        """
        self._listener, self._translator, self._shadows = listener, translator, forget_shadows
        self.tables.unshadowed()
        for phys, size in self.chunks:
            listener(phys, size)

    @property
    def must_exist(self) -> bool:
        """Pages that are shown must be there: an emulated processor that touches a missing one ends the process."""
        return self._translator is not None

    def detach(self) -> None:
        """The machine is gone."""
        self._listener = self._translator = self._shadows = None

    def _forget_shadows(self) -> None:
        if self._shadows is not None:
            self._shadows()

    def close(self) -> None:
        """Unmap all of it from the host. The virtual machine is gone by then."""
        _host(unistd.SYS_munmap, "munmap", self.base, ARENA + CAPACITY)

    def host(self, phys: GuestPhys) -> HostAddr:
        """Where the host has it."""
        return HostAddr(self.base + phys)

    # -- room --------------------------------------------------------------------------------------

    def take_page(self) -> int:
        """The address of a zeroed page of the supervisor region, for good."""
        if self._taken == self._supervisor_end:
            if self._supervisor_end == SUPERVISOR_SIZE:
                raise OSError(errno.ENOMEM, "the supervisor region of the guest is full")
            self._open(self._supervisor_end, self._supervisor_end)
            self._supervisor_end *= 2
        self._taken += PAGE
        return self._taken - PAGE

    def _open(self, phys: int, size: int) -> None:
        _host(unistd.SYS_mprotect, "mprotect", self.base + phys, size, _READ_WRITE)
        self.chunks.append((phys, size))
        if self._listener is not None:
            self._listener(phys, size)

    def _grow(self) -> None:
        """Another chunk for extents."""
        size = min(max(_FIRST_CHUNK, self._chunk_end - ARENA + _FIRST_CHUNK), ARENA + CAPACITY - self._chunk_end)
        if size <= 0:
            raise OSError(errno.ENOMEM, "all guest-physical addresses are taken")
        self._open(self._chunk_end, size)
        self._extents.free(self._chunk_end, size)
        self._chunk_end += size

    def commit(self, size: int) -> None:
        """Count ``size`` more bytes of an extent that was allocated with room. OSError(ENOMEM) beyond the limit."""
        if self.used + size > self.limit:
            raise OSError(errno.ENOMEM, "the guest's memory limit is reached")
        self.used += size

    def allocate(self, size: int, *, room: int = 0, sparse: bool = False) -> GuestPhys:
        """A contiguous extent of zeroes, multiple of a page; from 2 MiB on aligned to that, and with large pages.

        ``sparse``: little of it will be used, and large pages would be a waste. ``room`` sets more addresses aside
        behind it, which ``commit`` makes count. OSError(ENOMEM) beyond the limit.
        """
        self.commit(size)
        wanted = max(size, room)
        align = LARGE if wanted >= LARGE else PAGE
        try:
            while (found := self._extents.allocate(wanted, align)) is None:
                self._grow()
        except OSError:
            self.used -= size
            raise
        if size >= LARGE and not sparse:
            _native.quick(unistd.SYS_madvise, self.base + found, wanted, mman.MADV_HUGEPAGE)
        return GuestPhys(found)

    def free(self, phys: GuestPhys, size: int) -> None:
        """Give an extent back, or a part of one: its contents are gone, for the guest too."""
        self.discard(phys, size)
        self._extents.free(phys, size)

    def discard(self, phys: GuestPhys, size: int) -> None:
        """As ``free``, but the addresses stay the extent's, and can be committed again."""
        self.place_anonymous(phys, size)
        self.used -= size

    # -- another memory's shape --------------------------------------------------------------------

    def shape(self) -> dict[str, Any]:
        """All but the contents, as plain data for ``reshape``. ``taken``: where what is used of the supervisor region
        ends."""
        return {
            "taken": self._taken,
            "end": self._chunk_end,
            "used": self.used,
            "free": [list(span) for span in self._extents.ranges()],
            "tables": self.tables.places(),
        }

    def reshape(self, shape: dict[str, Any]) -> None:
        """Of a memory that nothing was allocated from: have the extents and tables of another one.

        ``place`` then brings the contents, of the supervisor region as well. OSError(ENOMEM) beyond the limit,
        ValueError for a shape that no memory has.
        """
        taken, end = int(shape["taken"]), int(shape["end"])
        if not SUPERVISOR_FIXED <= taken <= SUPERVISOR_SIZE or not ARENA <= end <= ARENA + CAPACITY or taken % PAGE:
            raise ValueError("a memory of impossible size")
        while self._supervisor_end < taken:
            self._open(self._supervisor_end, self._supervisor_end)
            self._supervisor_end *= 2
        while self._chunk_end < end:
            self._grow()
        self._taken = max(self._taken, taken)
        if self._chunk_end != end or not 0 <= (used := int(shape["used"])) <= end - ARENA:
            raise ValueError("a memory of impossible size")
        self.used = 0
        self.commit(used)
        self._extents = Extents()
        for start, stop in shape["free"]:
            if not ARENA <= start < stop <= end or start % PAGE or stop % PAGE:
                raise ValueError("free memory that is none")
            self._extents.free(start, stop - start)
        self.tables.adopt(shape["tables"])

    def holds(self, phys: int, size: int) -> bool:
        """Whether whole pages, one at least, lie in what can be used."""
        if phys % PAGE or size % PAGE or size <= 0:
            return False
        return 0 <= phys <= self._supervisor_end - size or ARENA <= phys <= self._chunk_end - size

    # -- contents ----------------------------------------------------------------------------------

    def place(self, phys: GuestPhys, size: int, fd: int, offset: int, *, shared: bool, writable: bool) -> None:
        """Map a file over the extent. What is private is always writable for the host: copies are made on write."""
        kind = (mman.MAP_SHARED if shared else mman.MAP_PRIVATE) | mman.MAP_FIXED | mman.MAP_NORESERVE
        prot = mman.PROT_READ if shared and not writable else _READ_WRITE
        _host(unistd.SYS_mmap, "mmap", self.base + phys, size, prot, kind, fd, offset)
        self._forget_read_only(phys, phys + size)
        if prot == mman.PROT_READ:
            self._read_only[phys] = phys + size

    def place_segment(self, phys: GuestPhys, size: int, identity: int, *, writable: bool) -> None:
        """Attach a System V segment of that size over the extent, shmat(2)."""
        flags = _SHM_REMAP if writable else _SHM_REMAP | _SHM_RDONLY
        _host(unistd.SYS_shmat, "shmat", identity, self.base + phys, flags)
        self._forget_read_only(phys, phys + size)
        if not writable:
            self._read_only[phys] = phys + size

    def place_anonymous(self, phys: GuestPhys, size: int) -> None:
        """Zeroes where something else was; the guest's rights to what was are void at once."""
        _host(unistd.SYS_mmap, "mmap", self.base + phys, size, _READ_WRITE, _ANONYMOUS | mman.MAP_FIXED, -1, 0)
        self._forget_read_only(phys, phys + size)

    def fill(self, phys: GuestPhys, size: int) -> None:
        """Have pages of our own for all of it now, rather than one at a time when they are touched.

        An exit a page is what a first touch costs; where there are pages, KVM shows the eight around it with one. Only
        for what is about to be used: of a file mapped privately, it makes a copy. A matter of speed alone: where it
        cannot be (a file's end, Linux before 5.14), pages come when they are touched.
        """
        if self._translator is None:
            _native.quick(unistd.SYS_madvise, self.base + phys, size, mman.MADV_POPULATE_WRITE)

    def forget(self, phys: GuestPhys, size: int, *, punch: bool = False) -> None:
        """madvise(2) MADV_DONTNEED, or with ``punch`` MADV_REMOVE."""
        advice = mman.MADV_REMOVE if punch else mman.MADV_DONTNEED
        _host(unistd.SYS_madvise, "madvise", self.base + phys, size, advice)

    def carry(self, old: GuestPhys, old_size: int, new: GuestPhys, new_size: int, *, filled: bool) -> None:
        """Move what is in one extent to another, without a copy where the host can. The old one holds nothing then.

        ``filled``: it is a file, of which a larger extent shows more. Anonymous memory is followed by zeroes.
        An ``old_size`` of 0: a shared file stays in the old one as well.
        """
        size = new_size if filled else min(old_size, new_size)
        source, target = self.base + old, self.base + new
        taken = old_size if filled else size
        flags = mman.MREMAP_MAYMOVE | mman.MREMAP_FIXED
        result = _native.quick(unistd.SYS_mremap, source, taken, size, flags, target)
        if result == -errno.EFAULT and not filled:  # more than one mapping for the host
            self.touch(old, size)
            for done in range(0, size, _COPY):
                _native.poke(target + done, _native.peek(source + done, min(_COPY, size - done)))
        elif result < 0:
            raise OSError(-result, f"mremap: {os.strerror(-result)}")
        read_only = any(start <= old < end for start, end in self._read_only.items())
        if old_size:
            self.place_anonymous(old, old_size)
        if read_only:
            self._read_only[new] = new + size

    # -- what the guest sees -----------------------------------------------------------------------

    def map(self, va: GuestVirt, size: int, phys: GuestPhys, rights: Rights, *, shared: bool = False) -> None:
        """Show an extent, or a part of it, at ``va``, where nothing is shown. ``shared``: it can be elsewhere, too."""
        if rights:
            self.tables.map(va, size, phys, USER_RIGHTS[rights])
            if rights & Rights.X and self._translator is not None:
                self._translator.executable(va, size, phys, shared=shared)

    def unmap(self, va: GuestVirt, size: int, *, touch: bool = True) -> None:
        """Show nothing there. ``touch=False``: what was shown is freed or discarded next, which ends the rights too."""
        shown = self.shown(va, size) if touch and self._translator is None else ()
        self.tables.unmap(va, size)
        if self._translator is not None:
            self._translator.revoked()
        for phys, length in shown:
            self.touch(phys, length)

    def protect(self, va: GuestVirt, size: int, phys: GuestPhys, rights: Rights, *, shared: bool = False) -> None:
        """Other rights for what is shown. A right that is lost is lost for all threads when this returns."""
        lost = self.tables.protect(va, size, phys, USER_RIGHTS[rights])
        if self._translator is None:
            if lost:
                self.touch(phys, size)
            return
        if lost:
            self._translator.revoked()
        if rights & Rights.X:
            self._translator.executable(va, size, phys, shared=shared)

    def clear(self) -> None:
        """For execve(2): nothing is mapped, every extent is given back, with its contents."""
        self.tables.clear()
        if self._translator is not None:
            self._translator.cleared()
        self._extents = Extents()
        for phys, size in self.chunks:
            if phys >= ARENA:
                self.place_anonymous(GuestPhys(phys), size)
                self._extents.free(phys, size)
        self.used = 0

    def shown(self, va: int, size: int) -> list[tuple[GuestPhys, int]]:
        """(guest-physical address, length) of each contiguous piece that is shown there."""
        pieces: list[tuple[GuestPhys, int]] = []
        end = va + size
        while va < end:
            entry, reach = self.tables.look_up(va)
            stop = min(end, reach)
            if entry:
                phys = (entry & ADDRESS) + (va & (LARGE - 1) if entry & LARGE_ENTRY else 0)
                if pieces and pieces[-1][0] + pieces[-1][1] == phys:
                    pieces[-1] = (pieces[-1][0], pieces[-1][1] + stop - va)
                else:
                    pieces.append((GuestPhys(phys), stop - va))
            va = stop
        return pieces

    def touch(self, phys: int, size: int) -> None:
        """Make KVM drop what it made of this memory: its MMU notifier hears mprotect(2), there and back.

        On the way the right to read is missing, where there are both: x86 knows no memory that can be written to and
        not read, so whoever uses it meanwhile is not disturbed, another thread's system call or ourselves. KVM alone,
        if it wants to show a page for reading just then, is refused, and asks again.
        """
        end = phys + size
        for start, stop in self._read_only_parts(phys, end):
            self._there_and_back(phys, start, mman.PROT_WRITE, _READ_WRITE)
            self._there_and_back(start, stop, mman.PROT_NONE, mman.PROT_READ)
            phys = stop
        self._there_and_back(phys, end, mman.PROT_WRITE, _READ_WRITE)

    def _there_and_back(self, start: int, end: int, there: int, back: int) -> None:
        if start < end:
            _host(unistd.SYS_mprotect, "mprotect", self.base + start, end - start, there)
            _host(unistd.SYS_mprotect, "mprotect", self.base + start, end - start, back)

    def _read_only_parts(self, start: int, end: int) -> list[tuple[int, int]]:
        found = ((max(a, start), min(b, end)) for a, b in self._read_only.items())
        return sorted((a, b) for a, b in found if a < b)

    def _forget_read_only(self, start: int, end: int) -> None:
        for a, b in [(a, b) for a, b in self._read_only.items() if a < end and start < b]:
            del self._read_only[a]
            if a < start:
                self._read_only[a] = start
            if end < b:
                self._read_only[end] = b
