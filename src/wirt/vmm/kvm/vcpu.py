"""One virtual processor on KVM: in and out of ring 3, with registers through the page that KVM shares.

Between runs the vCPU is in one of four places, ``_At``; what each register of the program is follows from that. Nothing
that ring 3 can write decides it: an exit counts as a call or a fault only when rip was in the function library's code.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from operator import attrgetter
from typing import TYPE_CHECKING

from wirt.abi import kvm
from wirt.abi.linux import unistd
from wirt.host import _native
from wirt.vmm.kicks import take_kick
from wirt.vmm.kvm.processor import USER_CODE, USER_DATA, segment
from wirt.vmm.layout import ENTRY, NO_ADDRESS, PAGE, STUBS, SUPERVISOR, VCPU_SIZE, VCPUS
from wirt.vmm.platform import BUS_ERROR, KICK, Exit, Fault, UserRegisters
from wirt.vmm.vmi import abi
from wirt.vmm.vmi.library import ERROR_CODES, Library
from wirt.vmm.vmi.thread_page import ThreadPage

if TYPE_CHECKING:
    from wirt.vmm.kvm.machine import KvmMachine

__all__ = ["KvmVcpu"]

_VALID, _DIRTY = kvm.kvm_run.kvm_valid_regs.offset, kvm.kvm_run.kvm_dirty_regs.offset
_REGS, _SREGS = kvm.kvm_run.regs.offset, kvm.kvm_run.sregs.offset
_MEMORY_FAULT = kvm.kvm_run.exit.offset
_CS, _SS = _SREGS + kvm.kvm_sregs.cs.offset, _SREGS + kvm.kvm_sregs.ss.offset
_FS, _GS = _SREGS + kvm.kvm_sregs.fs.offset, _SREGS + kvm.kvm_sregs.gs.offset
_CR2 = _SREGS + kvm.kvm_sregs.cr2.offset
_RAX = _REGS
_RIP, _RFLAGS = _REGS + kvm.kvm_regs.rip.offset, _REGS + kvm.kvm_regs.rflags.offset
_RSP = _REGS + kvm.kvm_regs.rsp.offset
_SREGS_END = _SREGS + ctypes.sizeof(kvm.kvm_sregs)

_ALL = struct.Struct("<18Q")  # in the order of kvm_regs, which is not that of UserRegisters
_WORD = struct.Struct("<Q")
_TWO = struct.Struct("<QQ")
_FRAME = struct.Struct("<6Q")  # error code, rip, cs, rflags, rsp, ss, at the end of the exception stack
_KVM_NAMES = [name for name, *_ in kvm.kvm_regs._fields_]
_IN_KVM_ORDER = attrgetter(*_KVM_NAMES)
_TO_KVM = [_KVM_NAMES.index(field.name) for field in fields(UserRegisters)[:18]]

_USER_CS, _USER_SS = segment(0, USER_CODE, 11, dpl=3, long=True), segment(0, USER_DATA, 3, dpl=3)
_USER_FLAGS, _ALWAYS_FLAGS = 0x25_0DD5, 0x202  # as in _native.c
_WORD_MASK = (1 << 64) - 1
_KICK_BIT = 1 << KICK - 1
_STUBS = SUPERVISOR + STUBS
_PAGE_FAULT, _GENERAL_PROTECTION = 14, 13
_NO_STATE = (0, 0)
_PAUSE, _TRIES = 0.02, 150  # seconds between two tries, and how many
_MXCSR, _MXCSR_BITS = 24, 0xFFFF
_XSTATE_BV, _XCOMP_BV = 512, 520


class _At(IntEnum):
    USER = 0  # the registers are the program's
    CALL = 1  # in the entry, behind the `out`, not answered
    ANSWERED = 2  # in ring 0's entry, before its `sysretq`
    FAULT = 3  # in ring 0's stub; the frame has rip, rflags and rsp


# A member looked up by its name costs a tenth of what a call of a guest costs the monitor.
_USER, _CALL, _ANSWERED, _FAULT = _At
_SYSCALL = Exit.SYSCALL


def _canonical(address: int) -> int:
    """``address``, or one that faults as well where the processor could not even hold it."""
    address &= _WORD_MASK
    return address if address < 1 << 47 or address >= _WORD_MASK - (1 << 47) + 1 else NO_ADDRESS


class KvmVcpu:
    """Made by ``KvmMachine.vcpu`` in the thread that runs it."""

    __slots__ = (
        *("args", "fault", "features", "number", "reason"),
        *("_answer", "_at", "_bases", "_calls", "_entry", "_fd", "_index", "_machine", "_mask", "_mask_bytes"),
        *("_page", "_patience", "_run", "_stack", "_template", "_tid"),
    )

    def __init__(self, machine: KvmMachine, index: int, fd: int, run: int, stack: int, template: bytes) -> None:
        """``run``: where the host has the shared page; ``stack``: the end of the exception stack, too."""
        self._machine, self._index, self._fd, self._run, self._stack = machine, index, fd, run, stack
        self._page = memoryview((ctypes.c_char * PAGE).from_address(run)).cast("B")
        self._template = template
        self._entry = SUPERVISOR + VCPUS + index * VCPU_SIZE + ENTRY
        entry = machine.entry
        self._calls = frozenset((self._entry + entry.out, self._entry + entry.out + 2))
        self._answer = 0 if entry.user else self._entry + entry.out + 2
        self._mask: int | None = None
        self._mask_bytes = bytearray(struct.pack("<IQ", 8, 0))
        self.features = machine.processor.features
        self._patience = _TRIES
        self.number, self.args, self.reason = 0, (0, 0, 0, 0, 0, 0), ""
        self.fault = Fault(0, 0, 0)
        self._at = _USER
        self._bases: tuple[int, int] | None = None
        _WORD.pack_into(self._page, _VALID, kvm.KVM_SYNC_X86_REGS)
        self.adopt()

    def adopt(self) -> None:
        """The calling thread runs it from now on, with all registers as a program begins."""
        self._tid = threading.get_native_id()
        self.resume(UserRegisters())

    # -- running -----------------------------------------------------------------------------------

    def run(self, mask: int) -> Exit:
        if self._at:
            self._go_back()
        if mask != self._mask:
            self._set_mask(mask)
        self._bases = None
        status, reason, port, rax, rdi, rsi, rdx, r10, r8, r9, rip = _native.enter(self._fd, self._run)
        if rip in self._calls and reason == 2 and port == 0x10 and not status:
            self._at = _CALL
            self.number = rax
            self.args = (rdi, rsi, rdx, r10, r8, r9)
            return _SYSCALL
        return self._other(status, reason, rip)

    def finish(self, result: int) -> None:
        _native.answer(self._run, result, self._answer)
        self._at = _ANSWERED if self._answer else _USER

    def _go_back(self) -> None:
        """Out of a stub, or out of a call that nobody answered."""
        if self._at is _FAULT:
            self.resume(self.registers())
        elif self._at is _CALL:
            raise RuntimeError("the vCPU is to run on, but its system call has no answer")
        else:
            self._at = _USER

    def _set_mask(self, mask: int) -> None:
        """KVM_RUN has its own signal mask: what is not in it ends the run, and stays pending."""
        struct.pack_into("<Q", self._mask_bytes, 4, mask & _WORD_MASK & ~_KICK_BIT)
        self._ioctl(kvm.KVM_SET_SIGNAL_MASK, "KVM_SET_SIGNAL_MASK", _native.address_of(self._mask_bytes))
        self._mask = mask

    def _other(self, status: int, reason: int, rip: int) -> Exit:
        """Everything but a system call."""
        if status == -errno.EINTR:
            return self._interrupted(rip)
        if status == -errno.EFAULT or (not status and reason == kvm.KVM_EXIT_MEMORY_FAULT):
            address = _WORD.unpack_from(self._page, _MEMORY_FAULT + 8)[0] if reason == kvm.KVM_EXIT_MEMORY_FAULT else -1
            return self._fault(BUS_ERROR, 0, address)
        if status == -errno.EAGAIN and self._patience > 0:
            # KVM wants a thread of its own for the first run, and the guest has as many as it may: others end.
            self._patience -= 1
            time.sleep(_PAUSE)
            return self.run(self._mask or 0)
        if status:
            return self._dead(f"KVM_RUN: {os.strerror(-status)}")
        if reason != kvm.KVM_EXIT_IO:
            return self._dead(f"KVM ended the run for reason {reason} at {rip:#x}: {bytes(self._page[32:48]).hex()}")
        if _STUBS <= rip < _STUBS + PAGE:
            return self._exception(rip)
        return self._fault(_GENERAL_PROTECTION, 0, 0)  # the program used a port by itself

    def _interrupted(self, rip: int) -> Exit:
        take_kick(self._tid)
        if rip >= SUPERVISOR:
            if _STUBS <= rip < _STUBS + PAGE:
                return self._exception(rip)  # the signal waits for the next run
            if self._entry <= rip < self._entry + PAGE:
                self._leave_entry(rip, None)
        return Exit.INTERRUPTED

    def _exception(self, rip: int) -> Exit:
        vector = Library.vector(rip - _STUBS)
        if vector is None:
            return self._dead(f"the vCPU left its exception stub at {rip:#x}")
        error, at, code, *_ = _FRAME.unpack(_native.peek(self._stack - _FRAME.size, _FRAME.size))
        if code & 3 != 3:
            return self._dead(f"exception {vector} at {at:#x}, in the function library")
        self._at = _FAULT
        self._fetch_sregs()
        if self._entry <= at < self._entry + PAGE and self._leave_entry(at, self.registers()):
            return _SYSCALL
        address = _WORD.unpack_from(self._page, _CR2)[0] if vector == _PAGE_FAULT else 0
        return self._fault(vector, error if vector in ERROR_CODES else 0, address)

    def _leave_entry(self, rip: int, registers: UserRegisters | None) -> bool:
        """The program was inside its entry page: put it before or after the call. True: to be answered as a call.

        ``registers`` after a fault: then the call is for the monitor, who finds out about the pointer.
        """
        faulted, registers = registers is not None, registers or self.registers()
        found = self._machine.entry.interrupted(rip - self._entry, registers.rax, registers.rcx, registers.r11)
        if found is None:
            return False
        registers.rax, registers.rip, registers.rflags = found.rax, found.rip, found.rflags
        if not faulted or found.number is None:
            self.resume(registers)
            return False
        registers.rip += 2
        self.resume(registers)
        self.number = found.rax
        self.args = (registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9)
        return True

    def _fault(self, vector: int, error: int, address: int) -> Exit:
        self.fault = Fault(vector, error, address)
        return Exit.FAULT

    def _dead(self, reason: str) -> Exit:
        self.reason = reason
        return Exit.DEAD

    # -- registers ---------------------------------------------------------------------------------

    def registers(self) -> UserRegisters:
        values = _ALL.unpack_from(self._page, _REGS)
        words = [values[index] for index in _TO_KVM]
        words += self._segment_bases()
        registers = UserRegisters(*words)
        if self._at is _FAULT:
            _, rip, _, rflags, rsp, _ = _FRAME.unpack(_native.peek(self._stack - _FRAME.size, _FRAME.size))
            registers.rip, registers.rflags, registers.rsp = rip, rflags, rsp
        elif self._at:
            registers.rip, registers.rflags = registers.rcx, registers.r11
        return registers

    def resume(self, registers: UserRegisters) -> None:
        values = list(_IN_KVM_ORDER(registers))
        values[16] = _canonical(registers.rip)
        values[17] = registers.rflags & _USER_FLAGS | _ALWAYS_FLAGS
        _ALL.pack_into(self._page, _REGS, *[value & _WORD_MASK for value in values])
        bases = (_canonical(registers.fs_base), _canonical(registers.gs_base))
        if bases == self._bases and self._at is not _FAULT and not self._answer:
            _WORD.pack_into(self._page, _DIRTY, self._dirty() | kvm.KVM_SYNC_X86_REGS)
        else:
            self._page[_SREGS:_SREGS_END] = self._template
            _WORD.pack_into(self._page, _FS, bases[0])
            _WORD.pack_into(self._page, _GS, bases[1])
            _WORD.pack_into(self._page, _DIRTY, kvm.KVM_SYNC_X86_REGS | kvm.KVM_SYNC_X86_SREGS)
            self._bases = bases
        self._at = _USER

    def _dirty(self) -> int:
        return int(_WORD.unpack_from(self._page, _DIRTY)[0])

    def _fetch_sregs(self) -> None:
        self._ioctl(kvm.KVM_GET_SREGS, "KVM_GET_SREGS", self._run + _SREGS)
        self._bases = (_WORD.unpack_from(self._page, _FS)[0], _WORD.unpack_from(self._page, _GS)[0])

    def _segment_bases(self) -> tuple[int, int]:
        """Programs may set them without us: asked for anew after each run."""
        if self._bases is None:
            self._fetch_sregs()
        return self._bases or _NO_STATE

    @property
    def fs_base(self) -> int:
        return self._segment_bases()[0]

    @fs_base.setter
    def fs_base(self, address: int) -> None:
        self._set_bases(address, self._segment_bases()[1])

    @property
    def gs_base(self) -> int:
        return self._segment_bases()[1]

    @gs_base.setter
    def gs_base(self, address: int) -> None:
        self._set_bases(self._segment_bases()[0], address)

    def _set_bases(self, fs: int, gs: int) -> None:
        """The rest of sregs is in the page: KVM's own, or what ``resume`` has put there and KVM has yet to take."""
        self._bases = (_canonical(fs), _canonical(gs))
        _WORD.pack_into(self._page, _FS, self._bases[0])
        _WORD.pack_into(self._page, _GS, self._bases[1])
        _WORD.pack_into(self._page, _DIRTY, self._dirty() | kvm.KVM_SYNC_X86_SREGS)

    # -- extended state ----------------------------------------------------------------------------

    def xsave(self) -> bytes:
        area = ctypes.create_string_buffer(self._machine.xsave_size)
        self._ioctl(kvm.KVM_GET_XSAVE, "KVM_GET_XSAVE", ctypes.addressof(area))
        return area.raw[: self.features.xsave_size]

    def xrestore(self, state: bytes) -> None:
        size = self._machine.xsave_size
        if not _XCOMP_BV + 8 <= len(state) <= size:
            raise ValueError(f"{len(state)} bytes of extended state: at least {_XCOMP_BV + 8}, at most {size}")
        parts, compact = _TWO.unpack_from(state, _XSTATE_BV)
        if parts & ~self.features.xfeatures or compact or any(state[_XCOMP_BV + 8 : 576]):
            raise ValueError(f"extended state with parts {parts:#x} and header {compact:#x}")
        if struct.unpack_from("<I", state, _MXCSR)[0] & ~_MXCSR_BITS:
            raise ValueError("extended state with bits in MXCSR that no processor has")
        area = ctypes.create_string_buffer(state, size)
        result = _native.quick(unistd.SYS_ioctl, self._fd, kvm.KVM_SET_XSAVE, ctypes.addressof(area))
        if result == -errno.EINVAL:
            raise ValueError("extended state that the processor refuses")
        if result < 0:
            raise OSError(-result, f"KVM_SET_XSAVE: {os.strerror(-result)}")

    # -- around it ---------------------------------------------------------------------------------

    def ring(self) -> int:
        """Where it is between runs."""
        self._fetch_sregs()
        return self._page[_CS + kvm.kvm_segment.dpl.offset]

    def kick(self) -> None:
        _native.quick(unistd.SYS_tgkill, os.getpid(), self._tid, KICK)

    def set_thread(
        self,
        *,
        pid: int,
        tid: int,
        ppid: int,
        uid: int,
        euid: int,
        gid: int,
        egid: int,
        time: int = 0,
        answers: bool = True,
    ) -> None:
        page = ThreadPage(
            pid=pid, tid=tid, ppid=ppid, uid=uid, euid=euid, gid=gid, egid=egid,
            vcpu=self._index, answers=answers, time=time,
        )  # fmt: skip
        _native.poke(self._machine.entry_page(self._index) + abi.VMI_THREAD, page.pack())

    def close(self) -> None:
        """Kept by the machine for the next thread: KVM cannot take a vCPU out of a VM."""
        self._machine.keep(self)

    def give_up(self, close: Callable[[int], None]) -> None:
        """The machine ends."""
        _native.quick(unistd.SYS_munmap, self._run, PAGE)
        close(self._fd)

    def _ioctl(self, request: int, name: str, argument: int) -> None:
        result = _native.quick(unistd.SYS_ioctl, self._fd, request, argument)
        if result < 0:
            raise OSError(-result, f"{name}: {os.strerror(-result)}")
