"""One virtual processor of an emulated machine: its thread's turn at the engine, and its registers between turns."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING

from unicorn import unicorn_const as uc
from unicorn import x86_const as x86

from wirt.abi.linux import unistd
from wirt.host import _native
from wirt.vmm.kicks import take_kick
from wirt.vmm.layout import NO_ADDRESS, GuestVirt
from wirt.vmm.platform import KICK, Exit, Fault, UserRegisters
from wirt.vmm.software import extended
from wirt.vmm.software.engine import Engine
from wirt.vmm.software.state import NO_EXCEPTION
from wirt.vmm.vmi import abi

if TYPE_CHECKING:
    from wirt.vmm.software.machine import SoftwareMachine

__all__ = ["SoftwareVcpu"]

_NAMES = ("RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RSP", "RBP", *(f"R{n}" for n in range(8, 16)), "RIP", "RFLAGS",
          "FS_BASE", "GS_BASE")  # fmt: skip
_COUNT = len(_NAMES)
_IDS = (ctypes.c_int * _COUNT)(*(getattr(x86, f"UC_X86_REG_{name}") for name in _NAMES))
_RCX, _R11, _RIP, _RFLAGS = 2, 11, 16, 17
_general = attrgetter(*(name.lower() for name in _NAMES[:_RIP]))

_NO_EVENT, _CALL_EVENT, _GATE_EVENT, _PORT_EVENT, _STALE_EVENT = -1, -2, -3, -4, -5
_PAGE_FAULT, _GENERAL_PROTECTION, _UNDEFINED = 14, 13, 6
_ERROR_CODES = frozenset({8, 10, 11, 12, 13, 14, 17})
_BREAKPOINT, _TRACE = 3, 1
_FETCH_NOTHING = 0x14
_GATE = 2  # in the error code of a general protection fault: it is about an entry of the IDT

_USER_FLAGS, _ALWAYS_FLAGS = 0x25_0DD5, 0x202  # as in _native.c
_WORD_MASK = (1 << 64) - 1
_KICK_BIT = 1 << KICK - 1
_INT, _INT_SIZE = 0xCD, 2
_FIRST_PROCESS = 1  # of the guest: who has it, or nobody, for a parent keeps it


def _canonical(address: int) -> int:
    address &= _WORD_MASK
    return address if address < 1 << 47 or address >= _WORD_MASK - (1 << 47) + 1 else NO_ADDRESS


class SoftwareVcpu:
    """See ``platform.Vcpu``. ``state`` holds its registers while another's are in the engine."""

    __slots__ = ("_answer", "_answers", "_called", "_engine", "_kicked", "_machine", "_places", "_rip", "_tid",
                 "_words", "args", "fault", "features", "number", "reason", "state")  # fmt: skip

    def __init__(self, machine: SoftwareMachine, engine: Engine) -> None:
        self._machine, self._engine = machine, engine
        self._tid = threading.get_native_id()
        self._kicked = False
        self._answer: int | None = None  # of a system call, not yet in the engine
        self._answers: dict[int, int] = {}  # of system calls that are the same each time
        self._called = False  # the last run ended with a system call
        self._rip = 0
        self._words = (ctypes.c_uint64 * _COUNT)()
        base = ctypes.addressof(self._words)
        self._places = (ctypes.c_void_p * _COUNT)(*range(base, base + 8 * _COUNT, 8))
        self.features = machine.features
        self.number, self.args, self.reason = 0, (0, 0, 0, 0, 0, 0), ""
        self.fault = Fault(0, 0, 0)
        self.state = engine.new_state()
        with self._turn(fresh=True):
            extended.load(engine, extended.INITIAL)
        self.resume(UserRegisters())

    # -- turns -------------------------------------------------------------------------------------

    def _enter(self, *, fresh: bool = False) -> None:
        """With the turn: put our registers into the engine."""
        engine = self._engine
        if engine.current is not self:
            if isinstance(engine.current, SoftwareVcpu):
                engine.save(engine.current.state)
            engine.restore(engine.clean_state if fresh else self.state)
            engine.current = self

    def _take(self, *, fresh: bool = False) -> Engine:
        """The engine, with our registers in it; ``turns.give`` is the caller's to do."""
        self._engine.turns.take()
        try:
            self._enter(fresh=fresh)
        except BaseException:
            self._engine.turns.give()
            raise
        return self._engine

    @contextmanager
    def _turn(self, *, fresh: bool = False) -> Iterator[Engine]:
        engine = self._take(fresh=fresh)
        try:
            yield engine
        finally:
            engine.turns.give()

    # -- running -----------------------------------------------------------------------------------

    def run(self, mask: int) -> Exit:
        while True:
            if self._kicked:
                self._kicked = False
                return Exit.INTERRUPTED
            happened = self._run_once(mask)
            if happened is not None:
                return happened

    def _run_once(self, mask: int) -> Exit | None:
        """None: nothing that anybody has to know."""
        engine = self._engine
        engine.turns.take()
        try:
            if engine.current is not self:
                self._enter()
            engine.refresh()
            answer, self._answer = self._answer, None
            words = () if answer is None else (answer,)
            self._machine.running = self._tid
            error, event, interrupted, rax, rdi, rsi, rdx, r10, r8, r9, self._rip = _native.emulate(
                engine.emulator, mask, self._rip, *words
            )
            self._machine.running = 0
            self._called = False
            if event not in (_CALL_EVENT, _NO_EVENT) or error or (event == _NO_EVENT and not interrupted):
                return self._other(error, event)
        finally:
            engine.turns.give()
        self._called = event == _CALL_EVENT
        if self._called:
            known = self._answers.get(rax & 0xFFFF_FFFF)
            if known is not None:
                self._answer = known
                return None
            self.number, self.args = rax, (rdi, rsi, rdx, r10, r8, r9)
            return Exit.SYSCALL
        return self._interrupted(mask)

    def _interrupted(self, mask: int) -> Exit | None:
        """A signal, a kick, or only somebody who wants the turn."""
        if self._kicked:
            self._kicked = False
            return Exit.INTERRUPTED
        pending = bytearray(8)
        _native.quick(unistd.SYS_rt_sigpending, pending, 8)
        found = int.from_bytes(pending, "little")
        told = found & _KICK_BIT and take_kick(self._tid)
        return Exit.INTERRUPTED if told or found & ~mask & ~_KICK_BIT else None

    def _other(self, error: int, event: int) -> Exit | None:
        """An exception, or what is none: with the turn."""
        engine = self._engine
        if error == uc.UC_ERR_INSN_INVALID:
            return self._fault(_UNDEFINED, 0, 0)
        if error:
            self.reason = f"Unicorn: error {error} at {self._rip:#x}"
            return Exit.DEAD
        if event == _STALE_EVENT:
            engine.catch_up(self._rip)
            return None
        if event == _PORT_EVENT:
            return self._fault(_GENERAL_PROTECTION, 0, 0)
        if event == _GATE_EVENT:
            return self._fault(_PAGE_FAULT, _FETCH_NOTHING, engine.gate)
        if event == _NO_EVENT:  # address 0, Unicorn's mark for an end
            return self._fault(_PAGE_FAULT, _FETCH_NOTHING, 0)
        code = self._take_error()
        if event == _PAGE_FAULT:
            return self._fault(event, code, engine.read(x86.UC_X86_REG_CR2))
        if event not in (_BREAKPOINT, _TRACE) and self._asked_for(event):
            self._rip -= _INT_SIZE
            engine.write(x86.UC_X86_REG_RIP, self._rip)
            return self._fault(_GENERAL_PROTECTION, event << 3 | _GATE, 0)
        return self._fault(event, code if event in _ERROR_CODES else 0, 0)

    def _take_error(self) -> int:
        """The exception's error code; Unicorn is told that the exception is over."""
        engine, places = self._engine, self._machine.places
        engine.save(self.state)
        base = self.state.value or 0
        _native.put_u32(base + places.exception, NO_EXCEPTION)
        engine.restore(self.state)
        return _native.u32(base + places.error)

    def _asked_for(self, vector: int) -> bool:
        """Whether it comes from `int`, behind which rip then is: ring 3 may not."""
        pieces = self._machine.memory.shown(GuestVirt(self._rip - _INT_SIZE), _INT_SIZE)
        if sum(length for _, length in pieces) < _INT_SIZE:
            return False
        found = b"".join(_native.peek(self._machine.memory.host(phys), length) for phys, length in pieces)
        return found == bytes((_INT, vector))

    def _fault(self, vector: int, error: int, address: int) -> Exit:
        self.fault = Fault(vector, error, address)
        return Exit.FAULT

    # -- registers ---------------------------------------------------------------------------------

    def finish(self, result: int) -> None:
        self._answer = result & _WORD_MASK

    def registers(self) -> UserRegisters:
        engine, values = self._take(), self._words
        try:
            engine.read_batch(_IDS, self._places, _COUNT)
        finally:
            engine.turns.give()
        values[_RIP] = self._rip
        if self._called:  # what `syscall` does, and Unicorn does not
            values[_RCX], values[_R11] = self._rip, values[_RFLAGS]
        if self._answer is not None:
            values[0] = self._answer
        return UserRegisters(*values)

    def resume(self, registers: UserRegisters) -> None:
        general = [word & _WORD_MASK for word in _general(registers)]
        rip, rflags = _canonical(registers.rip), registers.rflags & _USER_FLAGS | _ALWAYS_FLAGS
        engine = self._take()
        self._words[:] = [*general, rip, rflags, _canonical(registers.fs_base), _canonical(registers.gs_base)]
        try:
            engine.write_batch(_IDS, self._places, _COUNT)
        finally:
            engine.turns.give()
        self._rip, self._answer, self._called = rip, None, False

    @property
    def fs_base(self) -> int:
        with self._turn() as engine:
            return engine.read(x86.UC_X86_REG_FS_BASE)

    @fs_base.setter
    def fs_base(self, address: int) -> None:
        with self._turn() as engine:
            engine.write(x86.UC_X86_REG_FS_BASE, _canonical(address))

    @property
    def gs_base(self) -> int:
        with self._turn() as engine:
            return engine.read(x86.UC_X86_REG_GS_BASE)

    @gs_base.setter
    def gs_base(self, address: int) -> None:
        with self._turn() as engine:
            engine.write(x86.UC_X86_REG_GS_BASE, _canonical(address))

    def xsave(self) -> bytes:
        with self._turn() as engine:
            return extended.store(engine)

    def xrestore(self, state: bytes) -> None:
        with self._turn() as engine:
            extended.load(engine, state)

    # -- around it ---------------------------------------------------------------------------------

    def kick(self) -> None:
        self._kicked = True
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
        """``answers=False``: every call reaches the monitor."""
        self._answers = {
            unistd.SYS_getpid: pid,
            unistd.SYS_gettid: tid,
            unistd.SYS_getuid: uid,
            unistd.SYS_geteuid: euid,
            unistd.SYS_getgid: gid,
            unistd.SYS_getegid: egid,
            abi.VMI_CALL_VERSION: abi.VMI_VERSION,
            abi.VMI_CALL_TIME: time,
        }
        if ppid <= _FIRST_PROCESS:
            self._answers[unistd.SYS_getppid] = ppid
        if not answers:
            self._answers = {}

    def close(self) -> None:
        self._engine.turns.take()
        if self._engine.current is self:
            self._engine.current = None
        self._engine.turns.give()
        self._engine.free_state(self.state)
