"""Signal frames: what a handler finds on its stack, and what rt_sigreturn(2) makes of it.

The layout is Linux's ``struct rt_sigframe`` (arch/x86/kernel/signal_64.c) with the extended state above it
(arch/x86/kernel/fpu/signal.c). Nothing here knows of tasks; a frame that a guest gives back is checked field by field.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from wirt.abi.linux import signal as abi
from wirt.sentry.failures import fail
from wirt.sentry.task import AltStack

if TYPE_CHECKING:
    from wirt.vmm.platform import UserRegisters

__all__ = ["Context", "Handler", "Reader", "build", "enter", "on_stack", "parse", "place", "read_state", "with_marks"]

Reader = Callable[[int, int], bytes]  # address, size -> bytes, or OSError(EFAULT)

_RED_ZONE = 128
_FX_END = abi.FXSAVE_SIZE + abi.XSAVE_HEADER_SIZE
_MAGIC2 = abi.FP_XSTATE_MAGIC2.to_bytes(4, "little")
_REGISTERS = attrgetter(*abi.SIGCONTEXT_REGISTERS)
_UC_FLAGS = abi.UC_FP_XSTATE | abi.UC_SIGCONTEXT_SS | abi.UC_STRICT_RESTORE_SS
_DF, _TF, _RF = 0x400, 0x100, 0x10000
# FIX_EFLAGS of arch/x86/include/asm/sighandling.h: AC RF OF DF TF SF ZF AF PF CF, what a frame may set
_USER_FLAGS = 0x50DD5


@dataclass(frozen=True, slots=True)
class Handler:
    """The parts of a signal's action that a frame needs."""

    address: int
    flags: int
    restorer: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a frame saves beside the registers. ``mask``: what rt_sigreturn will restore."""

    mask: int
    altstack: AltStack
    trapno: int = 0
    error: int = 0
    cr2: int = 0


def on_stack(altstack: AltStack, rsp: int) -> bool:
    """``rsp`` lies in the alternate stack; never so with SS_AUTODISARM (on_sig_stack of <linux/sched/signal.h>)."""
    return not altstack.flags & abi.SS_AUTODISARM and _within(altstack, rsp)


def _within(altstack: AltStack, rsp: int) -> bool:
    return altstack.base < rsp <= altstack.base + altstack.size


def place(handler: Handler, altstack: AltStack, rsp: int, state_size: int) -> tuple[int, int]:
    """Where the frame goes, and where the extended state. EFAULT when the alternate stack is too small."""
    top = (rsp - _RED_ZONE) & 0xFFFF_FFFF_FFFF_FFFF
    bound = nested = on_stack(altstack, rsp)
    if handler.flags & abi.SA_ONSTACK and altstack.size and not on_stack(altstack, top):
        top = altstack.base + altstack.size
        bound = True
    state = (top - state_size) & ~63
    frame = ((state - abi.rt_sigframe.size) & ~15) - 8
    if frame <= 0 or ((bound or nested) and not _within(altstack, frame)):
        fail(errno.EFAULT)
    return frame, state


def with_marks(area: bytes, features: int) -> bytes:
    """An XSAVE area as a frame holds it: its size and ``features`` (XCR0) told, and the second magic number behind."""
    state = bytearray(area)
    size = len(area)
    abi.fpx_sw_bytes.pack_into(state, abi.FPX_SW_BYTES, abi.FP_XSTATE_MAGIC1, size + len(_MAGIC2), features, size)
    state[abi.FXSAVE_SIZE] |= abi.XFEATURE_MASK_FPSSE
    return bytes(state) + _MAGIC2


def build(registers: UserRegisters, context: Context, handler: Handler, info: bytes, state: int) -> bytes:
    """The bytes of struct rt_sigframe; ``state``: the address of the extended state."""
    stack = context.altstack
    return abi.rt_sigframe.pack(
        handler.restorer,
        _UC_FLAGS, 0, stack.base, stack.flags - (1 << 32) if stack.flags >> 31 else stack.flags, stack.size,
        *_REGISTERS(registers),
        abi.USER_CS, 0, 0, abi.USER_DS,
        context.error, context.trapno, context.mask, context.cr2,
        state,
        context.mask,
        info,
    )  # fmt: skip


def enter(registers: UserRegisters, frame: int, number: int, handler: Handler) -> None:
    """The registers that the handler starts with."""
    registers.rdi = number
    registers.rsi = frame + abi.rt_sigframe_offsets["info"]
    registers.rdx = frame + abi.rt_sigframe_offsets["uc"]
    registers.rax = 0
    registers.rip = handler.address
    registers.rsp = frame
    registers.rflags &= ~(_DF | _TF | _RF)


def parse(raw: bytes, registers: UserRegisters) -> tuple[int, AltStack, int]:
    """Take the registers from a frame; its mask, its alternate stack, and the address of the extended state.

    ``ValueError`` for what would not lead back into a 64-bit program.
    """
    fields = abi.rt_sigframe.unpack(raw)
    _, _, _, base, flags, size, *saved = fields[:24]
    cs, state, mask = fields[24], fields[32], fields[33]
    *general, rflags = saved
    if cs | 3 != abi.USER_CS or general[abi.SIGCONTEXT_REGISTERS.index("rip")] >= abi.TASK_SIZE_MAX:
        raise ValueError("a frame that leads out of user mode")
    for name, value in zip(abi.SIGCONTEXT_REGISTERS[:-1], general, strict=True):
        setattr(registers, name, value)
    registers.rflags = (registers.rflags & ~_USER_FLAGS) | (rflags & _USER_FLAGS)
    return mask, AltStack(base, flags & 0xFFFF_FFFF, size), state


def read_state(read: Reader, address: int, clean: bytes) -> bytes:
    """The extended state of a frame as an XSAVE area as long as ``clean``, which is the initial one.

    Without its magic numbers it is what FXSAVE writes (check_xstate_in_sigframe). ``ValueError`` where XRSTOR faults.
    """
    if not address:
        return clean
    if address % 64:
        raise ValueError("extended state that is not aligned")
    legacy = read(address, abi.FXSAVE_SIZE)
    magic, extended, features, size = abi.fpx_sw_bytes.unpack_from(legacy, abi.FPX_SW_BYTES)
    if magic == abi.FP_XSTATE_MAGIC1 and _FX_END <= size <= len(clean) and size <= extended:
        area = read(address, size + len(_MAGIC2))
        if area[size:] == _MAGIC2:
            return _only(area[:size], features).ljust(len(clean), b"\0")
    header = abi.XFEATURE_MASK_FPSSE.to_bytes(abi.XSAVE_HEADER_SIZE, "little")
    return (legacy + header).ljust(len(clean), b"\0")


def _only(area: bytes, features: int) -> bytes:
    """The area without the components that ``features`` lacks: those get their initial state."""
    present = int.from_bytes(area[abi.FXSAVE_SIZE : abi.FXSAVE_SIZE + 8], "little") & features
    return area[: abi.FXSAVE_SIZE] + present.to_bytes(8, "little") + area[abi.FXSAVE_SIZE + 8 :]
