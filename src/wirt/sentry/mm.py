"""A guest process's address space: its mappings, and how the sentry reads and writes what they hold.

Guest-virtual memory is made of mappings (``vma``); each has one extent of guest-physical memory, which the host sees
at a fixed distance (``Vma.delta``). So a guest's buffer is handed to the host kernel as it is, with one addition and no
copy.
Changes hold ``Process.lock``.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import os
import stat
from collections.abc import Sequence
from typing import Any

from wirt.abi.linux import mman, unistd
from wirt.host import _native
from wirt.sentry.failures import fail
from wirt.sentry.vma import COPIED, LEFT_OUT, Vma, VmaSet
from wirt.vmm.layout import GuestPhys, GuestVirt
from wirt.vmm.memory import GuestMemory, Rights

__all__ = ["PAGE", "USER_END", "AddressSpace", "page_up", "saved_mapping"]

PAGE = 4096
USER_END = 0x7FFF_FFFF_F000
LOWEST = 0x10000  # vm.mmap_min_addr
_STACK_GAP = 64 << 20  # kept free below the stack's lowest possible address, with room for randomness

READ, WRITE, EXEC = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE, _MAP_SHARED_VALIDATE, _MAP_TYPE = 1, 2, 3, 0xF
_MAP_FIXED, _MAP_ANONYMOUS, _MAP_GROWSDOWN, _MAP_FIXED_NOREPLACE = 0x10, 0x20, 0x100, 0x100000
_MAP_32BIT = 0x40
_HEAP_ROOM = 64 << 20  # guest-physical addresses set aside for a heap at first; pages come when touched
_HUGE = 2 << 20
_GUARD_GAP = 256 * PAGE  # stack_guard_gap
_MADV_POPULATE_READ = 22
_AT_ONCE = 1 << 20  # of a mapping this large, all pages are there before they are touched

_NOTHING = Vma(0, 0, 0)
_SAVED = tuple(field.name for field in dataclasses.fields(Vma) if field.name != "delta")
_SCALARS = ("stack_top", "mmap_top", "brk_start", "brk", "arguments", "environment", "stack_start", "hidden")


def page_up(size: int) -> int:
    return (size + PAGE - 1) & ~(PAGE - 1)


def _random(bits: int) -> int:
    return int.from_bytes(os.urandom(8), "little") & ((1 << bits) - 1)


def _address(value: int) -> int:
    if not 0 <= value <= USER_END:
        raise ValueError(f"no address: {value}")
    return value


def saved_mapping(values: Sequence[Any]) -> Vma:
    """One of the mappings of a ``shape``, without a place on the host."""
    return Vma(**dict(zip(_SAVED, values, strict=True)))


class AddressSpace:
    """``memory`` holds the bytes and the page tables. ``OSError`` carries the errno a guest gets."""

    def __init__(self, memory: GuestMemory) -> None:
        self.memory = memory
        self.vmas = VmaSet()
        self._last = _NOTHING  # the mapping that was last asked for: most calls hit it again
        self._forget()

    def _forget(self) -> None:
        self._last = _NOTHING
        self.stack_top = USER_END - _random(22) * PAGE
        self.mmap_top = self.stack_top - _STACK_GAP - (256 << 20) - _random(16) * PAGE
        self.brk_start = self.brk = 0
        self._heap: Vma | None = None
        self._heap_room = 0
        self.arguments = (0, 0)  # where argv's strings are, for /proc
        self.environment = (0, 0)
        self.stack_start = 0
        self.hidden = False  # files are (see hide_files)

    # -- reading and writing -----------------------------------------------------------------------

    def vma_for(self, va: int, size: int, right: int) -> Vma:
        """The one mapping that holds all of it with that right; EFAULT otherwise."""
        vma = self._last
        if not (vma.start <= va and va + size <= vma.end):
            vma = self._look(va, size)
        if not vma.rights & right:
            fail(errno.EFAULT)
        return vma

    def _look(self, va: int, size: int) -> Vma:
        """The mapping that holds all of it, the first to be asked next time; without one, one that allows nothing."""
        found = self.vmas.find(va)
        if found is None or va + size > found.end:
            return _NOTHING
        self._last = found
        if self.vmas.find(va) is not found:  # another thread has unmapped it, and forgotten what was asked for before
            self._last = _NOTHING
        return found

    def host(self, va: int, size: int, write: bool = False) -> int:
        """The host's address of a buffer in one mapping; EFAULT when it is not, or lacks the right."""
        vma = self._last
        if vma.start <= va and va + size <= vma.end and vma.rights & (2 if write else 1):
            return va + vma.delta
        return va + self.vma_for(va, size, 2 if write else 1).delta

    def segments(self, va: int, size: int, write: bool = False) -> list[tuple[int, int]]:
        """(host address, length) of each piece of a buffer. It ends early where memory does; EFAULT if at once."""
        right = 2 if write else 1
        pieces: list[tuple[int, int]] = []
        while size > 0:
            vma = self.vmas.find(va)
            if vma is None or not vma.rights & right:
                if pieces:
                    break
                fail(errno.EFAULT)
            length = min(size, vma.end - va)
            pieces.append((va + vma.delta, length))
            va += length
            size -= length
        return pieces

    def read(self, va: int, size: int) -> bytes:
        """``size`` bytes, all of them, or EFAULT."""
        vma = self._last
        if not (vma.start <= va and va + size <= vma.end):
            vma = self._look(va, size)
        if vma.rights & 1 and not vma.fd_backed:
            return _native.peek(va + vma.delta, size)
        return self._read_pieces(va, size)

    def _read_pieces(self, va: int, size: int) -> bytes:
        pieces = self.segments(va, size)
        if sum(length for _, length in pieces) < size:
            fail(errno.EFAULT)
        return b"".join(_native.peek_safe(address, length) for address, length in pieces)

    def write(self, va: int, data: bytes | bytearray) -> None:
        """All of ``data``, or EFAULT."""
        size = len(data)
        vma = self._last
        if not (vma.start <= va and va + size <= vma.end):
            vma = self._look(va, size)
        if vma.rights & 2 and not vma.fd_backed:
            _native.poke(va + vma.delta, data)
            return
        pieces = self.segments(va, size, True)
        if sum(length for _, length in pieces) < size:
            fail(errno.EFAULT)
        done = 0
        for address, length in pieces:
            _native.poke_safe(address, data[done : done + length])
            done += length

    def string(self, va: int, limit: int = 4096) -> bytes:
        """A C string without its NUL; ENAMETOOLONG when there is none within ``limit`` bytes."""
        found = b""
        while len(found) < limit:
            vma = self.vma_for(va, 1, READ)
            length = min(limit - len(found), vma.end - va)
            if vma.fd_backed:
                length = min(length, PAGE - va % PAGE)
                piece = _native.peek_safe(va + vma.delta, length)
                text: bytes | None = piece[: piece.index(0)] if 0 in piece else None
            else:
                text = _native.cstring(va + vma.delta, length)
                piece = b"" if text is not None else _native.peek(va + vma.delta, length)
            if text is not None:
                return found + text
            found += piece
            va += length
        return fail(errno.ENAMETOOLONG)

    def shown_at(self, phys: int) -> int:
        """The address of a guest-physical one; 0 for none."""
        for vma in self.vmas:
            if 0 <= vma.phys <= phys < vma.phys + vma.size:
                return vma.start + phys - vma.phys
        return 0

    def u32(self, va: int) -> int:
        return int.from_bytes(self.read(va, 4), "little")

    def u64(self, va: int) -> int:
        return int.from_bytes(self.read(va, 8), "little")

    def put_u32(self, va: int, value: int) -> None:
        self.write(va, (value & 0xFFFF_FFFF).to_bytes(4, "little"))

    def put_u64(self, va: int, value: int) -> None:
        self.write(va, (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))

    # -- mapping -----------------------------------------------------------------------------------

    def place_for(self, wanted: int, size: int, flags: int) -> int:
        """The address a new mapping gets (mmap(2) on ``addr``)."""
        if flags & (_MAP_FIXED | _MAP_FIXED_NOREPLACE):
            if wanted % PAGE:
                fail(errno.EINVAL)
            if wanted < LOWEST:
                fail(errno.EPERM)
            if wanted + size > USER_END:
                fail(errno.ENOMEM)
            if flags & _MAP_FIXED_NOREPLACE and self.vmas.between(wanted, wanted + size):
                fail(errno.EEXIST)
            return wanted
        wanted &= ~(PAGE - 1)
        if wanted >= LOWEST and wanted + size <= USER_END and not self.vmas.between(wanted, wanted + size):
            return wanted
        return self._free_low(size) if flags & _MAP_32BIT else self._free_range(size)

    def _free_low(self, size: int) -> int:
        """MAP_32BIT: within the first two gigabytes, for code with short addresses."""
        found = self.vmas.gap_below(1 << 31, size, 1 << 30)
        if found < 0:
            fail(errno.ENOMEM)
        return found

    def _free_range(self, size: int) -> int:
        if size >= _HUGE:  # aligned, so that it gets large pages
            found = self.vmas.gap_below(self.mmap_top, size + _HUGE, LOWEST)
            if found >= 0:
                return (found + _HUGE - 1) & ~(_HUGE - 1) if size % _HUGE else (found + _HUGE) & ~(_HUGE - 1)
        found = self.vmas.gap_below(self.mmap_top, size, LOWEST)
        if found < 0:
            fail(errno.ENOMEM)
        return found

    def map_anonymous(
        self, va: int, size: int, rights: int, *, shared: bool = False, name: str = "", grows_down: bool = False
    ) -> None:
        """Fresh zero pages; whatever was there goes first."""
        self.unmap(va, size)
        vma = Vma(va, va + size, rights, shared=shared, name=name, grows_down=grows_down)
        if shared:
            self._place_shared(vma)
        elif rights:
            self._back(vma)
            self._fill(vma)
        self.show(vma)
        self.vmas.add(vma)

    def _place_shared(self, vma: Vma) -> None:
        """Memory that a fork shares is a file without a name."""
        fd = os.memfd_create("shared", os.MFD_CLOEXEC)
        try:
            os.ftruncate(fd, vma.size)
            self._back(vma)
            try:
                self.memory.place(GuestPhys(vma.phys), vma.size, fd, 0, shared=True, writable=True)
            except OSError:
                self.memory.free(GuestPhys(vma.phys), vma.size)
                raise
            vma.inode, vma.name = os.fstat(fd).st_ino, "/dev/zero (deleted)"
        finally:
            os.close(fd)

    def map_file(self, va: int, size: int, rights: int, fd: int, offset: int, *, shared: bool, name: str = "") -> None:
        """``fd``'s bytes from ``offset``; EACCES when it was not opened for that."""
        mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        writable = mode == os.O_RDWR
        if mode == os.O_WRONLY or (shared and rights & WRITE and not writable):
            fail(errno.EACCES)
        about = os.fstat(fd)
        if not stat.S_IFMT(about.st_mode):  # none that a guest makes can be mapped; a vCPU of its monitor's could be
            fail(errno.ENODEV)
        vma = Vma(va, va + size, rights, shared=shared, fd_backed=True, name=name, offset=offset)
        vma.device, vma.inode = about.st_dev, about.st_ino
        vma.short = self.memory.must_exist and stat.S_ISREG(about.st_mode) and offset + size > page_up(about.st_size)
        if shared and not writable:
            vma.may &= ~WRITE
        phys = self.memory.allocate(size)
        try:
            self.memory.place(phys, size, fd, offset, shared=shared, writable=writable)
        except OSError as error:
            # A sealed memfd may be mapped for reading only.
            try:
                if not (shared and writable and not rights & WRITE and error.errno in (errno.EPERM, errno.EACCES)):
                    raise
                self.memory.place(phys, size, fd, offset, shared=True, writable=False)
                vma.may &= ~WRITE
            except OSError:
                self.memory.free(phys, size)
                raise
        self.unmap(va, size)
        vma.phys, vma.delta = phys, self.memory.host(phys) - va
        if not shared:
            self._fill(vma)
        self.show(vma)
        self.vmas.add(vma)

    def _back(self, vma: Vma) -> None:
        phys = self.memory.allocate(vma.size, sparse=vma.grows_down)
        vma.phys, vma.delta = phys, self.memory.host(phys) - vma.start

    def _fill(self, vma: Vma) -> None:
        """What may be written will be: a library's data, an allocator's block."""
        self.fill_new(vma, 0)

    def fill_new(self, vma: Vma, begin: int) -> None:
        """The same for what has been added to a mapping that was ``begin`` long."""
        if vma.rights & WRITE and vma.size - begin <= _AT_ONCE:
            self.memory.fill(GuestPhys(vma.phys + begin), vma.size - begin)

    def fill(self, va: int, size: int) -> None:
        """All of it lies in one mapping, and is about to be used."""
        vma = self.vma_for(va, size, READ | WRITE | EXEC)
        self.memory.fill(GuestPhys(va - vma.start + vma.phys), size)

    def show(self, vma: Vma) -> None:
        if vma.phys >= 0 and vma.rights and not vma.short:
            self.memory.map(GuestVirt(vma.start), vma.size, GuestPhys(vma.phys), Rights(vma.rights), shared=vma.shared)

    def unmap(self, va: int, size: int) -> None:
        """munmap(2): what is there goes, holes do not matter."""
        if not self.vmas.between(va, va + size):
            return
        gone = self.vmas.take(va, va + size)
        self._last = _NOTHING
        for vma in gone:
            self._drop(vma)

    def _drop(self, vma: Vma) -> None:
        if vma.phys >= 0:
            self.memory.unmap(GuestVirt(vma.start), vma.size, touch=False)
            self.memory.free(GuestPhys(vma.phys), vma.size)
        if vma is self._heap:
            self._heap = None

    def protect(self, va: int, size: int, rights: int) -> None:
        """mprotect(2): ENOMEM when some of it is not mapped, EACCES when a mapping may not have the right."""
        end = va + size
        vmas = self.vmas.isolate(va, end)
        self._last = _NOTHING
        expected = va
        for vma in vmas:
            if vma.start != expected:
                fail(errno.ENOMEM)
            if rights & ~vma.may:
                fail(errno.EACCES)
            self._set_rights(vma, rights)
            expected = vma.end
        if expected < end:
            fail(errno.ENOMEM)

    def _set_rights(self, vma: Vma, rights: int) -> None:
        if rights == vma.rights:
            return
        if vma.phys < 0:
            self._back(vma)  # may fail; until it has not, there is nothing to have a right to
            vma.rights = rights
            self.show(vma)
            return
        before, vma.rights = vma.rights, rights
        if vma.short:
            self.memory.unmap(GuestVirt(vma.start), vma.size)
        elif not before:
            self.show(vma)
        else:
            self.memory.protect(GuestVirt(vma.start), vma.size, GuestPhys(vma.phys), Rights(rights), shared=vma.shared)

    # -- mappings that grow ------------------------------------------------------------------------

    def grow_down(self, va: int, most: int) -> bool:
        """A touch of ``va``, where nothing is: the MAP_GROWSDOWN mapping above it comes down to there, if there is one.

        It gets no larger than ``most`` bytes, and stays away from what is below (expand_downwards of mm/mmap.c).
        """
        above, start = self.vmas.above(va), va & -PAGE
        if above is None or not above.grows_down or start < LOWEST:
            return False
        top = above
        while (following := self.vmas.find(top.end)) is not None and following.grows_down:
            top = following
        near = self.vmas.between(max(start - _GUARD_GAP, 0), start)
        if top.end - start > most or any(vma.rights and not vma.grows_down for vma in near):
            return False
        self.map_anonymous(start, above.start - start, above.rights, name=above.name, grows_down=True)
        return True

    def replace(self, old: Vma, new: Vma) -> None:
        """Have a mapping in another one's place, whose extent is given back. What shows it is the caller's affair."""
        self.vmas.replace(old, new)
        self._last = _NOTHING
        if old.phys >= 0:
            self.memory.free(GuestPhys(old.phys), old.size)
        if old is self._heap:
            self._heap = None

    def has(self, phys: int) -> bool:
        """Whether there is memory at a guest-physical address, which is no file's."""
        return any(vma.rights and not vma.fd_backed and vma.phys <= phys < vma.phys + vma.size for vma in self.vmas)

    def allows(self, va: int, right: int) -> bool:
        """Whether page tables let the program do what it tried: then it only has to try again."""
        return self.memory.tables.allows(va, right)

    # -- files that are shorter than their mappings ------------------------------------------------

    # The host says that the guest touched such a page, not which. So mappings of files are hidden, and the instruction
    # is carried out again: the page fault that it causes now has the address. Pages that are there are shown again one
    # by one; when the one that is not was found, all are.

    def hide_files(self) -> bool:
        """False when there are no files to hide."""
        for vma in self._files():
            self.memory.unmap(GuestVirt(vma.start), vma.size)
            self.hidden = True
        return self.hidden

    def reveal(self, vma: Vma, va: int, *, write: bool) -> bool:
        """The guest touches ``va``, where a file is hidden. False: there is no such page; all files are shown again."""
        page = va & -PAGE
        if self._exists(page + vma.delta, write=write):
            phys = GuestPhys(vma.phys + page - vma.start)
            self.memory.map(GuestVirt(page), PAGE, phys, Rights(vma.rights), shared=vma.shared)
            return True
        if self.hidden:
            for other in self._files():
                self.show(other)
            self.hidden = False
        return False

    def shorten(self, file: int | bytes, size: int) -> None:
        """A file is about to be truncated: its pages may be missing from now on."""
        if not self.memory.must_exist:
            return
        try:
            about = os.stat(file)
        except OSError:
            return
        if size >= about.st_size:
            return
        for vma in self.vmas:
            same = vma.fd_backed and (vma.device, vma.inode) == (about.st_dev, about.st_ino)
            if same and vma.offset + vma.size > page_up(size):
                vma.short = True
                self.memory.unmap(GuestVirt(vma.start), vma.size)

    def _files(self) -> list[Vma]:
        return [vma for vma in self.vmas if vma.fd_backed and vma.rights]

    @staticmethod
    def _exists(host: int, *, write: bool) -> bool:
        advice = mman.MADV_POPULATE_WRITE if write else _MADV_POPULATE_READ
        result = _native.call(unistd.SYS_madvise, host, PAGE, advice)
        if result == -errno.EINVAL:  # Linux before 5.14
            try:
                _native.peek_safe(host, 1)
            except OSError:
                return False
        return result != -errno.EFAULT

    # -- the heap ----------------------------------------------------------------------------------

    def set_brk(self, wanted: int) -> int:
        """brk(2): the new end of the heap, or the old one when it cannot be."""
        if wanted < self.brk_start:
            return self.brk
        old, new = page_up(self.brk), page_up(wanted)
        if new > old and (self.vmas.between(old, new) or new > USER_END):
            return self.brk
        try:
            if new > old:
                self._grow_heap(old, new)
            elif new < old:
                self._shrink_heap(new, old)
        except OSError:
            return self.brk
        self.brk = wanted
        return wanted

    def _grow_heap(self, old: int, new: int) -> None:
        """In place within the room set aside for it, so that a heap stays one mapping."""
        heap = self._heap
        if heap is not None and heap.end == old and heap.rights == READ | WRITE and new - heap.start <= self._heap_room:
            part = heap.cut(old, old)
            part.end = new
            part.phys = heap.phys + (old - heap.start)
            self.memory.commit(new - old)
            self._fill(part)
            self.show(part)
            heap.end = new
            return
        room = max(_HEAP_ROOM, 2 * (new - old))
        phys = self.memory.allocate(new - old, room=room)
        heap = Vma(old, new, READ | WRITE, phys, self.memory.host(phys) - old, name="[heap]")
        self._fill(heap)
        self.show(heap)
        self.vmas.add(heap)
        self._heap, self._heap_room = heap, room

    def _shrink_heap(self, new: int, old: int) -> None:
        heap = self._heap
        if heap is None or heap.end != old or heap.start >= new:
            self.unmap(new, old - new)
            return
        self.memory.unmap(GuestVirt(new), old - new, touch=False)
        self.memory.discard(GuestPhys(heap.phys + new - heap.start), old - new)
        self._last = _NOTHING
        heap.end = new

    # -- a child, a new program, another's life -------------------------------------------------------------

    def be_inherited(self) -> None:
        """In a child: what was not to be there goes, what was to be empty is (madvise(2))."""
        for vma in [vma for vma in self.vmas if vma.on_fork != COPIED]:
            if vma.on_fork == LEFT_OUT:
                self.unmap(vma.start, vma.size)
            elif vma.phys >= 0:
                self.memory.forget(GuestPhys(vma.phys), vma.size)

    def shape(self) -> dict[str, Any]:
        """All but the contents, as plain data for ``reshape``."""
        return {
            "mappings": [[getattr(vma, name) for name in _SAVED] for vma in self.vmas],
            "heap": [self._heap.start if self._heap else 0, self._heap_room],
            **{name: getattr(self, name) for name in _SCALARS},
        }

    def reshape(self, shape: dict[str, Any]) -> None:
        """Have the mappings of another address space, whose memory and page tables ``memory`` has already.

        ValueError for what no address space has.
        """
        for name in _SCALARS:
            value = shape[name]
            setattr(self, name, tuple(map(_address, value)) if isinstance(value, list) else _address(value))
        for values in shape["mappings"]:
            vma = saved_mapping(values)
            self._check(vma)
            if vma.phys >= 0:
                vma.delta = self.memory.host(GuestPhys(vma.phys)) - vma.start
            self.vmas.add(vma)
        start, self._heap_room = shape["heap"]
        self._heap = self.vmas.find(start) if start else None
        if self._heap is not None and not self.memory.holds(self._heap.phys, self._heap_room):
            raise ValueError("a heap with room where there is none")

    def _check(self, vma: Vma) -> None:
        """ValueError for a mapping that cannot be here."""
        if not 0 <= vma.start < vma.end <= USER_END or vma.start % PAGE or vma.end % PAGE or not 0 <= vma.rights <= 7:
            raise ValueError("a mapping that cannot be")
        if self.vmas.between(vma.start, vma.end):
            raise ValueError("two mappings in one place")
        if vma.rights if vma.phys == -1 else not self.memory.holds(vma.phys, vma.size):
            raise ValueError("a mapping of memory where there is none")

    def clear(self) -> None:
        """Before execve(2) loads: nothing is mapped."""
        self.vmas.clear()
        self.memory.clear()
        self._forget()
