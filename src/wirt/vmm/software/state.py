"""Where Unicorn keeps, in a saved state, two things that it has no name for: found by causing them.

The error code of the last exception; and which exception it takes to be in the midst of, -1 for none, which has to be
put back because the guest handles none itself. A few exceptions with different codes leave one place for each.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import struct
from dataclasses import dataclass

from unicorn import x86_const as x86

from wirt.host import _native
from wirt.vmm.layout import PAGE, GuestPhys, GuestVirt
from wirt.vmm.memory import GuestMemory, Rights
from wirt.vmm.software.engine import Engine, EngineError
from wirt.vmm.software.turns import Turns

__all__ = ["NO_EXCEPTION", "Places", "find_places"]

NO_EXCEPTION = 0xFFFF_FFFF
_CODE, _DATA, _NOWHERE = PAGE, 2 * PAGE, 3 * PAGE
_CALL_EVENT = -2

# With rdi: mov rax, [rdi]; mov [rdi], rax; jmp rdi; a division by 0; cpuid 1 and a call
_READ, _WRITE, _JUMP, _DIVIDE, _CPUID = ("488b07", "488907", "ffe7", "31c9f7f1", "b8010000000fa20f05")
_TRIALS = (  # code, rdi, vector, error code
    (_READ, _NOWHERE, 14, 4),
    (_WRITE, _NOWHERE, 14, 6),
    (_JUMP, _NOWHERE, 14, 0x14),
    (_WRITE, _DATA, 14, 7),
    (_DIVIDE, 0, 0, 0),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Offsets in a saved state, of 32-bit numbers; and ``hwcap``, what CPUID 1 has in edx."""

    error: int
    exception: int
    hwcap: int


@functools.cache
def find_places() -> Places:
    """Found once a process, with an engine and memory for it alone. ``EngineError`` when this Unicorn is unknown."""
    memory = GuestMemory(8 * PAGE)
    engine = Engine(memory, Turns(lambda: None))
    state = engine.new_state()
    try:
        memory.attach(engine.map)
        engine.begin()
        code = memory.allocate(PAGE)
        memory.map(GuestVirt(_CODE), PAGE, code, Rights.R | Rights.X)
        memory.map(GuestVirt(_DATA), PAGE, memory.allocate(PAGE), Rights.R)
        return _find(engine, state, code)
    finally:
        engine.free_state(state)
        engine.close()
        memory.close()


def _find(engine: Engine, state: ctypes.c_void_p, code: GuestPhys) -> Places:
    engine.save(state)
    clean, last = _words(engine, state), engine.new_state()
    errors = set(range(len(clean)))
    exceptions = {index for index in errors if clean[index] == NO_EXCEPTION}
    for instructions, rdi, vector, error in _TRIALS:
        engine.restore(state)
        if _run(engine, code, instructions, rdi) != vector:
            raise EngineError(errno.EIO, f"exception {vector} does not arrive from the emulated processor")
        engine.save(last)
        words = _words(engine, last)
        errors = {index for index in errors if words[index] == error}
        exceptions = {index for index in exceptions if words[index] == vector}
    engine.free_state(last)
    if len(errors) != 1 or len(exceptions) != 1:
        raise EngineError(errno.EIO, "this version of Unicorn keeps its exceptions where they are not found")
    engine.restore(state)
    if _run(engine, code, _CPUID, 0) != _CALL_EVENT:
        raise EngineError(errno.EIO, "a system call does not arrive from the emulated processor")
    return Places(4 * errors.pop(), 4 * exceptions.pop(), engine.read(x86.UC_X86_REG_RDX))


def _words(engine: Engine, state: ctypes.c_void_p) -> tuple[int, ...]:
    size = engine.state_size() & ~3
    return struct.unpack(f"<{size // 4}I", _native.peek(state.value or 0, size))


def _run(engine: Engine, code: GuestPhys, instructions: str, rdi: int) -> int:
    """The event it ends with."""
    _native.poke(engine.memory.host(code), bytes.fromhex(instructions))
    engine.forget_everything()
    engine.refresh()
    engine.write(x86.UC_X86_REG_RDI, rdi)
    return _native.emulate(engine.emulator, -1, _CODE)[1]
