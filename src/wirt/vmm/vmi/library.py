"""The built function library, taken apart: what the monitor puts where, and what an address in it means."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from functools import cache

from wirt.vmm.vmi import abi
from wirt.vmm.vmi.abi import PAGE

__all__ = ["ERROR_CODES", "Entry", "Interrupted", "Library", "LibraryError", "idt", "library", "parse"]

_HERE = os.path.dirname(os.path.abspath(__file__))
_HEAD = struct.Struct("<14I")
_ENTRY = struct.Struct("<III")
_OUT_SIZE = 2  # bytes of `out %al, $port`
_SYSCALL_SIZE = 2

ERROR_CODES = frozenset({8, 10, 11, 12, 13, 14, 17, 21, 29, 30})
"""Vectors for which the processor pushes an error code (AMD APM volume 2, 8.2; Intel SDM volume 3, 6.3.1)."""

_USER_VECTORS = (3, 4)  # int3 and into: programs may ask for them


class LibraryError(RuntimeError):
    """The built library is missing or is not of this version."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The registers that a program has while its vCPU is inside an entry page; all others are in the vCPU.

    ``number`` is the system call that it is about to make: ``rip`` is at its `syscall` instruction. None: the call
    has been answered, and ``rip`` is after it.
    """

    number: int | None
    rax: int
    rip: int
    rflags: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A system-call entry page; offsets in bytes. ``calls``: (start, end, number) of the code that answers one."""

    page: bytes
    user: bool
    out: int
    end: int
    calls: tuple[tuple[int, int, int], ...]

    @property
    def sfmask(self) -> int:
        """For MSR_SYSCALL_MASK."""
        return abi.VMI_SFMASK_USER if self.user else abi.VMI_SFMASK_SYSTEM

    def is_call(self, offset: int) -> bool:
        """Whether an exit through VMI_PORT_CALL with rip there is a system call.

        rip is at the `out` or after it, as the hypervisor likes. A program that writes to the port by itself is
        elsewhere: to be answered as a general protection fault.
        """
        return offset - self.out in (0, _OUT_SIZE)

    def interrupted(self, offset: int, rax: int, rcx: int, r11: int) -> Interrupted | None:
        """What a signal, a kick or a fault at ``offset`` in the page came upon; None where there is no code.

        Nothing has happened of a call that is about to be made: it can be made by the program again, or answered by
        the monitor at once (a pointer that faults is EFAULT then). Not for exits that are calls themselves.
        """
        if not 0 <= offset < self.end:
            return None
        if offset == self.out + _OUT_SIZE:
            return Interrupted(None, rax, rcx, r11)
        rax = next((number for start, end, number in self.calls if start <= offset < end), rax)
        return Interrupted(_signed(rax), rax, (rcx - _SYSCALL_SIZE) % (1 << 64), r11)


@dataclass(frozen=True, slots=True)
class Library:
    """The parts. ``vdso`` is a multiple of PAGE long, and is mapped directly above the time page."""

    user_entry: Entry
    system_entry: Entry
    stubs: bytes
    vdso: bytes

    def entry(self, *, raises_privilege: bool) -> Entry:
        """The one for a host: whether `syscall` enters ring 0 there."""
        return self.system_entry if raises_privilege else self.user_entry

    @staticmethod
    def vector(offset: int) -> int | None:
        """The exception that an exit through VMI_PORT_FAULT with rip there in the page of stubs is about."""
        vector, within = divmod(offset, abi.VMI_STUB_SIZE)
        return vector if 0 <= vector < abi.VMI_VECTORS and within in (0, _OUT_SIZE) else None

    @staticmethod
    def iretq(vector: int) -> int:
        """The offset of a stub's `iretq`."""
        return vector * abi.VMI_STUB_SIZE + abi.VMI_STUB_IRET


@cache
def library() -> Library:
    """The library beside this file. Raises ``LibraryError``."""
    return parse(_read("library.bin"), _read("vdso.so"))


def parse(blob: bytes, vdso: bytes) -> Library:
    """``library.bin`` and ``vdso.so`` as ``entry.S`` and ``vdso.lds`` lay them out."""
    if len(blob) < PAGE:
        raise LibraryError(f"the function library has {len(blob)} bytes: {_REMEDY}")
    head = _HEAD.unpack_from(blob)
    if head[:3] != (abi.VMI_MAGIC, abi.VMI_VERSION, len(blob)):
        raise LibraryError(f"the function library is of another version: {_REMEDY}")
    stubs = head[13]
    return Library(
        _entry(blob, head[3:8], user=True),
        _entry(blob, head[8:13], user=False),
        blob[stubs : stubs + PAGE],
        vdso.ljust(-(-len(vdso) // PAGE) * PAGE, b"\0"),
    )


def idt(stubs: int) -> bytes:
    """512 bytes: interrupt gates to the stubs at this guest-virtual address, on the stack IST 1 whatever rsp is.

    Intel SDM volume 3, 6.14.1.
    """
    return b"".join(
        _gate(stubs + vector * abi.VMI_STUB_SIZE, vector in _USER_VECTORS) for vector in range(abi.VMI_VECTORS)
    )


_REMEDY = "build it with `python src/wirt/vmm/vmi/build.py`, or install wirt anew where gcc is"


def _read(name: str) -> bytes:
    try:
        with open(os.path.join(_HERE, name), "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise LibraryError(f"the function library was not built ({name} is missing): {_REMEDY}") from error


def _entry(blob: bytes, head: tuple[int, ...], *, user: bool) -> Entry:
    start, out, end, table, count = head
    calls = tuple(_ENTRY.unpack_from(blob, table + i * _ENTRY.size) for i in range(count))
    return Entry(blob[start : start + PAGE], user, out, end, calls)


def _gate(address: int, of_user: bool) -> bytes:
    rights = 0xEE if of_user else 0x8E
    return struct.pack("<HHBBHII", address & 0xFFFF, 8, 1, rights, address >> 16 & 0xFFFF, address >> 32, 0)


def _signed(rax: int) -> int:
    """Linux looks at the low half of rax alone, as a signed number."""
    low = rax & 0xFFFF_FFFF
    return low - (low >> 31 << 32)
