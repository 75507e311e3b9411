"""One emulated processor over a guest's memory: Unicorn's functions, as few as are needed, and what it must be told.

Unicorn walks the page tables that ``paging`` writes (UC_TLB_CPU) and keeps what it found, and what it made of code:
``Engine`` forgets both when memory changes. It delivers no exceptions to the guest, it reports them, and always thinks
that the last one is still being handled, so that the next becomes a double fault: ``take_error`` puts that right, in
places of its saved state that ``state`` finds.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Callable
from typing import Any

from unicorn import unicorn_const as uc
from unicorn import x86_const as x86
from unicorn.unicorn_py3.unicorn import uclib

from wirt.host import _native
from wirt.vmm.layout import ENTRY, PAGE, PML4, STUBS, SUPERVISOR, SUPERVISOR_FIXED, VCPUS, GuestPhys
from wirt.vmm.memory import GuestMemory
from wirt.vmm.paging import SUPERVISOR_DATA, USER_RIGHTS
from wirt.vmm.software.checks import exit_checks
from wirt.vmm.software.turns import Turns
from wirt.vmm.software.watches import Watches

__all__ = ["Engine", "EngineError"]

_STAR = 0x1B << 48 | 0x08 << 32  # `sysretq` then gives code 0x2B and data 0x23, as Linux has them
_EFER = 0xD01  # NXE, LMA, LME, SCE
_MSR_EFER, _MSR_STAR = 0xC000_0080, 0xC000_0081
_CR0, _CR4 = 0x8005_0033, 1 << 5 | 1 << 9 | 1 << 10  # as in kvm.processor, without OSXSAVE
_USER_CS = 0x2B
_EVERYWHERE = (1, 0)  # first and last address of a hook
_TO_USER = bytes.fromhex("480f07 0f05")  # sysretq to where `syscall` is
_START = STUBS  # guest-physical, and at that distance in the window
_GATE, _TARGET = bytes.fromhex("ff25 0a000000"), 16  # jmp [rip + 10], and where that word is

_EMULATOR = struct.Struct("<5Q12i16x2Q")  # struct emulator of _native.c
_EMULATOR_GATE = _EMULATOR.size - 16
_FUNCTIONS = ("emu_start", "emu_stop", "reg_read_batch", "reg_write")
_ANSWERED = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RCX, x86.UC_X86_REG_R11, x86.UC_X86_REG_RFLAGS)
_CALLED = (x86.UC_X86_REG_RAX, x86.UC_X86_REG_RDI, x86.UC_X86_REG_RSI, x86.UC_X86_REG_RDX, x86.UC_X86_REG_R10,
            x86.UC_X86_REG_R8, x86.UC_X86_REG_R9, x86.UC_X86_REG_RIP)  # fmt: skip


class EngineError(OSError):
    """Unicorn refuses."""


def _check(status: int, what: str) -> None:
    if status:
        raise EngineError(errno.EIO, f"{what}: {uclib.uc_strerror(status).decode()}")


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _control(kind: int, arguments: int) -> int:
    """UC_CTL_WRITE of unicorn.h."""
    return kind | arguments << 26 | uc.UC_CTL_IO_WRITE << 30


class Engine:
    """``current``: whose registers are in it. All but ``turns`` is for who has the turn."""

    def __init__(self, memory: GuestMemory, turns: Turns) -> None:
        self.memory, self.turns = memory, turns
        self.current: object | None = None
        self._stale = False
        self._mapped: set[int] = set()
        self._executable: dict[int, int] = {}  # start -> end of guest-physical addresses that code was in
        self._handle = ctypes.c_void_p()
        _check(uclib.uc_open(uc.UC_ARCH_X86, uc.UC_MODE_64, ctypes.byref(self._handle)), "uc_open")
        # SSE4.2, AES, no AVX and no XSAVE, which Unicorn lacks or has in part: nobody finds what is not there.
        self._set(uc.UC_CTL_CPU_MODEL, x86.UC_CPU_X86_WESTMERE)
        self._set(uc.UC_CTL_TLB_TYPE, uc.UC_TLB_CPU)
        self._emulator = bytearray(_EMULATOR.size)
        self.emulator = _native.address_of(self._emulator)
        self.gate = 0  # where runs begin; 0 without one
        checks = exit_checks(self._handle.value or 0)
        if checks:
            self.gate = SUPERVISOR + VCPUS + ENTRY
            _native.poke(checks, b"\1")
        self._add_hooks()
        self._watches = Watches(memory, self.emulator, self._hook_watched)
        self.clean_state = self.new_state()  # as a program begins, once ``begin`` was called
        _EMULATOR.pack_into(
            self._emulator,
            0,
            self._handle.value or 0,
            *(_address(getattr(uclib, f"uc_{name}")) for name in _FUNCTIONS),
            *_ANSWERED,
            *_CALLED,
            0,
            0,
        )  # fmt: skip

    def _set(self, kind: int, *words: int) -> None:
        arguments = [ctypes.c_uint64(word) for word in words]
        _check(uclib.uc_ctl(self._handle, ctypes.c_uint32(_control(kind, len(words))).value, *arguments), "uc_ctl")

    def _add_hooks(self) -> None:
        """All are C functions: nothing of Python runs while the guest does."""
        on_call, on_exception, on_block, on_in, on_out, _ = _native.emulation_hooks()
        blocks = (self.gate, self.gate) if self.gate else _EVERYWHERE
        self._hook(uc.UC_HOOK_INTR, on_exception, self.emulator)
        self._hook(uc.UC_HOOK_BLOCK, on_block, self.emulator, blocks)
        self._hook(uc.UC_HOOK_INSN, on_call, self.emulator, _EVERYWHERE, x86.UC_X86_INS_SYSCALL)
        self._hook(uc.UC_HOOK_INSN, on_in, self.emulator, _EVERYWHERE, x86.UC_X86_INS_IN)
        self._hook(uc.UC_HOOK_INSN, on_out, self.emulator, _EVERYWHERE, x86.UC_X86_INS_OUT)

    def _hook(
        self, kind: int, function: int, data: int, where: tuple[int, int] = _EVERYWHERE, *instruction: int
    ) -> Callable[[], None]:
        """``where``: first and last address. What removes it again."""
        hook = ctypes.c_size_t()
        words = (kind, ctypes.c_void_p(function), ctypes.c_void_p(data), *map(ctypes.c_uint64, where))
        _check(
            uclib.uc_hook_add(self._handle, ctypes.byref(hook), *words, *map(ctypes.c_int, instruction)), "uc_hook_add"
        )
        return lambda: _check(uclib.uc_hook_del(self._handle, hook), "uc_hook_del")

    def _hook_watched(self, data: int, first: int, last: int) -> Callable[[], None]:
        *_, on_watched_block = _native.emulation_hooks()
        return self._hook(uc.UC_HOOK_BLOCK, on_watched_block, data, (first, last))

    # -- the processor -----------------------------------------------------------------------------

    def map(self, phys: int, size: int) -> None:
        """A chunk of memory that there is from now on."""
        if phys not in self._mapped:
            place = ctypes.c_void_p(self.memory.base + phys)
            words = (ctypes.c_uint64(phys), ctypes.c_size_t(size), uc.UC_PROT_ALL, place)
            _check(uclib.uc_mem_map_ptr(self._handle, *words), "uc_mem_map_ptr")
            self._mapped.add(phys)

    def begin(self) -> None:
        """Into ring 3, by the one way there is: code that is there for a moment, and ends with a system call."""
        self._write_msr(_MSR_STAR, _STAR)
        self._write_msr(_MSR_EFER, _EFER)
        self.write(x86.UC_X86_REG_CR4, _CR4)
        self.write(x86.UC_X86_REG_CR3, PML4)
        self.write(x86.UC_X86_REG_CR0, _CR0)
        self.memory.tables.map(SUPERVISOR + _START, PAGE, _START, USER_RIGHTS[5])
        self.memory.prepared = True
        _native.poke(self.memory.host(GuestPhys(_START)), _TO_USER)
        self.write(x86.UC_X86_REG_RCX, SUPERVISOR + _START + 3)
        self.write(x86.UC_X86_REG_R11, 0x202)
        _native.emulate(self.emulator, -1, SUPERVISOR + _START)
        self.memory.tables.map(SUPERVISOR, SUPERVISOR_FIXED, 0, SUPERVISOR_DATA & ~2)
        if self.gate:
            self._open_gate()
        self.forget_everything()
        if self.read(x86.UC_X86_REG_CS) != _USER_CS:
            raise EngineError(errno.EIO, "the emulated processor does not enter ring 3")
        self.save(self.clean_state)

    def _open_gate(self) -> None:
        phys = self.memory.take_page()
        page = self.memory.host(GuestPhys(phys))
        _native.poke(page, _GATE)
        self.memory.tables.map(self.gate, PAGE, phys, USER_RIGHTS[5])
        struct.pack_into("<QQ", self._emulator, _EMULATOR_GATE, self.gate, page + _TARGET)

    def read(self, register: int) -> int:
        value = ctypes.c_uint64()
        _check(uclib.uc_reg_read(self._handle, register, ctypes.byref(value)), "uc_reg_read")
        return value.value

    def write(self, register: int, value: int) -> None:
        word = ctypes.c_uint64(value)
        _check(uclib.uc_reg_write(self._handle, register, ctypes.byref(word)), "uc_reg_write")

    def read_batch(self, ids: Any, places: Any, count: int) -> None:
        _check(uclib.uc_reg_read_batch(self._handle, ids, places, count), "uc_reg_read_batch")

    def write_batch(self, ids: Any, places: Any, count: int) -> None:
        _check(uclib.uc_reg_write_batch(self._handle, ids, places, count), "uc_reg_write_batch")

    def _write_msr(self, number: int, value: int) -> None:
        register = (ctypes.c_uint64 * 2)(number, value)  # struct uc_x86_msr
        _check(uclib.uc_reg_write(self._handle, x86.UC_X86_REG_MSR, ctypes.byref(register)), "uc_reg_write")

    # -- its state as a whole ----------------------------------------------------------------------

    def new_state(self) -> ctypes.c_void_p:
        """Room for all registers; to be given back with ``free_state``."""
        state = ctypes.c_void_p()
        _check(uclib.uc_context_alloc(self._handle, ctypes.byref(state)), "uc_context_alloc")
        return state

    def state_size(self) -> int:
        return int(uclib.uc_context_size(self._handle))

    def save(self, state: ctypes.c_void_p) -> None:
        _check(uclib.uc_context_save(self._handle, state), "uc_context_save")

    def restore(self, state: ctypes.c_void_p) -> None:
        _check(uclib.uc_context_restore(self._handle, state), "uc_context_restore")

    @staticmethod
    def free_state(state: ctypes.c_void_p) -> None:
        uclib.uc_context_free(state)

    # -- what it knows of memory -------------------------------------------------------------------

    def forget_translations(self) -> None:
        """Before the next run: entries have lost rights, or changed."""
        self._stale = True

    def forget_everything(self) -> None:
        """All of the program's memory is gone."""
        self._stale = True
        self._executable = {}
        self._watches.clear()
        self._set(uc.UC_CTL_TB_FLUSH)

    def notice_code(self, va: int, size: int, phys: int, *, shared: bool) -> None:
        """May be executed from now on. If there was code before, what was made of it is forgotten."""
        if shared:
            self._watches.add(va, size, phys)
        end = phys + size
        if any(start < end and phys < stop for start, stop in self._executable.items()):
            self._stale = True
            self.refresh()
            self._forget_code(va, va + size)
        self._executable[phys] = max(end, self._executable.get(phys, 0))

    def _forget_code(self, start: int, end: int) -> None:
        self._set(uc.UC_CTL_TB_REMOVE_CACHE, start, end)

    def catch_up(self, rip: int) -> None:
        """Watched code there has changed."""
        self._forget_code(*self._watches.catch_up(rip))

    def watched(self) -> list[tuple[int, int, int]]:
        """Address, size and guest-physical address of code that may change unseen."""
        return self._watches.ranges()

    def refresh(self) -> None:
        """Right before a run."""
        if self._stale:
            self._stale = False
            self._set(uc.UC_CTL_TLB_FLUSH)

    def close(self) -> None:
        uclib.uc_close(self._handle)
