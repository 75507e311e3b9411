"""Loading ELF programs and scripts: what ``execve`` puts into an empty address space.

Everything here comes from the guest: sizes and offsets are checked before they are used, and what does not fit is
ENOEXEC, as in Linux's fs/binfmt_elf.c.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from itertools import pairwise

from wirt.abi import elf
from wirt.sentry.failures import fail
from wirt.sentry.mm import PAGE, USER_END, AddressSpace, page_up

__all__ = ["Image", "Loaded", "Script", "Segment", "load", "parse", "parse_script"]

_PIE_BASE = 0x5555_5555_4000
_MAX_HEADERS = 65536 // 56
_MAX_INTERPRETER = 4096
_SCRIPT_LINE = 256
_AT_ONCE = 256 << 10  # a segment this large is copied, not shown page by page at an exit each: any dynamic linker
_DATA_AT_ONCE = 4 << 20  # of what a program may write, as it will write most of that, interpreters above all


@dataclass(frozen=True, slots=True)
class Segment:
    """One PT_LOAD. ``rights``: PROT_*."""

    offset: int
    va: int
    file_size: int
    memory_size: int
    rights: int


@dataclass(frozen=True, slots=True)
class Image:
    """What the program headers say. Addresses are the file's; ``moves``: relative to a base of our choice."""

    entry: int
    moves: bool
    headers: int  # address of the program headers, 0 when no segment holds them
    header_count: int
    segments: tuple[Segment, ...]
    interpreter: bytes
    executable_stack: bool

    @property
    def low(self) -> int:
        return self.segments[0].va & ~(PAGE - 1)

    @property
    def high(self) -> int:
        return max(segment.va + segment.memory_size for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Script:
    """``#!interpreter argument``."""

    interpreter: bytes
    argument: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """Where an image is now."""

    base: int
    entry: int
    headers: int
    end: int


def parse_script(head: bytes) -> Script | None:
    """The first line of a script; None for anything else. ENOEXEC for a line that names nothing."""
    if not head.startswith(b"#!"):
        return None
    line, newline, _ = head[2:_SCRIPT_LINE].partition(b"\n")
    words = line.strip(b" \t").split(None, 1)
    if not words or (not newline and len(head) >= _SCRIPT_LINE and len(words) == 1):
        fail(errno.ENOEXEC)
    return Script(words[0], words[1].rstrip(b" \t") if len(words) > 1 else b"")


def parse(fd: int, head: bytes) -> Image:
    """The ELF headers of an open file, of which ``head`` are the first bytes."""
    if len(head) < elf.Elf64_Ehdr.size or head[:4] != elf.ELF_MAGIC:
        fail(errno.ENOEXEC)
    ident, kind, machine, _, entry, offset, _, _, _, size, count, _, _, _ = elf.Elf64_Ehdr.unpack_from(head)
    wanted = (elf.ELFCLASS64, elf.ELFDATA2LSB)
    if (ident[4], ident[5]) != wanted or machine != elf.EM_X86_64 or kind not in (elf.ET_EXEC, elf.ET_DYN):
        fail(errno.ENOEXEC)
    if size != elf.Elf64_Phdr.size or not 1 <= count <= _MAX_HEADERS or offset >= 1 << 62:
        fail(errno.ENOEXEC)
    raw = head[offset : offset + size * count]
    if len(raw) < size * count:
        raw = os.pread(fd, size * count, offset)
    if len(raw) < size * count:
        fail(errno.ENOEXEC)
    return _image(fd, entry, kind == elf.ET_DYN, offset, count, raw)


def _image(fd: int, entry: int, moves: bool, offset: int, count: int, raw: bytes) -> Image:
    segments, interpreter, headers, executable_stack = [], b"", 0, True
    for kind, flags, start, va, _, file_size, memory_size, _ in elf.Elf64_Phdr.iter_unpack(raw):
        if kind == elf.PT_LOAD:
            segments.append(_segment(flags, start, va, file_size, memory_size))
            if start <= offset < start + file_size:
                headers = va + offset - start
        elif kind == elf.PT_INTERP:
            interpreter = _interpreter(fd, start, file_size)
        elif kind == elf.PT_GNU_STACK:
            executable_stack = bool(flags & elf.PF_X)
    if not segments or any(a.va > b.va for a, b in pairwise(segments)):
        fail(errno.ENOEXEC)
    return Image(entry, moves, headers, count, tuple(segments), interpreter, executable_stack)


def _segment(flags: int, offset: int, va: int, file_size: int, memory_size: int) -> Segment:
    fits = file_size <= memory_size < USER_END and va < USER_END and va + memory_size <= USER_END
    if not fits or offset >= 1 << 62 or (offset - va) % PAGE:
        fail(errno.ENOEXEC)
    rights = (flags & elf.PF_R and 1) | (flags & elf.PF_W and 2) | (flags & elf.PF_X and 4)
    return Segment(offset, va, file_size, memory_size, rights)


def _interpreter(fd: int, offset: int, size: int) -> bytes:
    if not 2 <= size <= _MAX_INTERPRETER or offset >= 1 << 62:
        fail(errno.ENOEXEC)
    path = os.pread(fd, size, offset)
    if len(path) != size or path[-1]:
        fail(errno.ENOEXEC)
    return path.rstrip(b"\0")


def load(mm: AddressSpace, image: Image, fd: int, name: str, *, program: bool) -> Loaded:
    """Map the segments; a ``program`` that moves goes low, its interpreter where mmap puts things."""
    low = image.low
    size = page_up(image.high) - low
    base = 0
    if image.moves:
        start = _PIE_BASE + _slide() if program else mm.place_for(0, size, 0)
        base = start - low
    for segment in image.segments:
        _map(mm, segment, base, fd, name)
    headers = image.headers + base if image.headers else 0
    return Loaded(base, image.entry + base, headers, image.high + base)


def _slide() -> int:
    """28 bits of pages, as Linux gives a position-independent program."""
    return (int.from_bytes(os.urandom(4), "little") & 0xFFF_FFFF) * PAGE


def _map(mm: AddressSpace, segment: Segment, base: int, fd: int, name: str) -> None:
    va = segment.va + base
    start, skip = va & ~(PAGE - 1), va % PAGE
    file_end, end = va + segment.file_size, page_up(va + segment.memory_size)
    file_pages = page_up(file_end) - start if segment.file_size else 0
    if file_pages:
        offset = segment.offset - skip
        mm.map_file(start, file_pages, segment.rights, fd, offset, shared=False, name=name)
        if file_pages <= (_DATA_AT_ONCE if segment.rights & 2 else _AT_ONCE):
            mm.fill(start, file_pages)
    if end > start + file_pages:
        mm.map_anonymous(start + file_pages, end - start - file_pages, segment.rights)
    tail = start + file_pages - file_end
    if segment.memory_size > segment.file_size and segment.file_size and tail and segment.rights & 2:
        mm.write(file_end, bytes(tail))
