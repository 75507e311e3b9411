"""The extended state of the emulated processor, x87 and SSE, in XSAVE's standard form (Intel SDM volume 1, 13.4)."""

from __future__ import annotations

import ctypes
import struct

from unicorn import x86_const as x86

from wirt.vmm.software.engine import Engine

__all__ = ["INITIAL", "SIZE", "XFEATURES", "load", "store"]

SIZE, XFEATURES = 576, 3
_XSTATE_BV, _XCOMP_BV, _HEADER_END = 512, 520, 576
_TAGS, _MXCSR, _MXCSR_MASK, _X87_END, _XMM, _XMM_END = 4, 24, 28, 160, 160, 416
_MXCSR_BITS = 0xFFFF
_HEAD = struct.Struct("<HHHHQQII")
INITIAL = _HEAD.pack(0x37F, 0, 0, 0, 0, 0, 0x1F80, _MXCSR_BITS).ljust(SIZE, b"\0")

# In the order in which they must be written: the status word has the top of the stack, by which ST are numbered.
_REGISTERS = (
    (x86.UC_X86_REG_FPCW, 0),
    (x86.UC_X86_REG_FPSW, 2),
    (x86.UC_X86_REG_FOP, 6),
    (x86.UC_X86_REG_FIP, 8),
    (x86.UC_X86_REG_FDP, 16),
    (x86.UC_X86_REG_MXCSR, _MXCSR),
    *((x86.UC_X86_REG_ST0 + number, 32 + 16 * number) for number in range(8)),
    *((x86.UC_X86_REG_XMM0 + number, _XMM + 16 * number) for number in range(16)),
)
_TAG = x86.UC_X86_REG_FPTAG
_COUNT = len(_REGISTERS) + 1
_LONG_TAGS = tuple(sum(0 if valid >> bit & 1 else 3 << 2 * bit for bit in range(8)) for valid in range(256))
_IDS = (ctypes.c_int * _COUNT)(*(register for register, _ in _REGISTERS), _TAG)


class _Area:
    """What FXSAVE stores, where Unicorn reads and writes registers in place, and the long form of the tags."""

    def __init__(self, contents: bytes = b"") -> None:
        self.area = ctypes.create_string_buffer(contents, _XSTATE_BV)
        self.tags = ctypes.c_uint64()
        base = ctypes.addressof(self.area)
        places = (*(base + offset for _, offset in _REGISTERS), ctypes.addressof(self.tags))
        self.places = (ctypes.c_void_p * _COUNT)(*places)


_found, _wanted = _Area(), _Area()  # for all: whoever has the turn uses them, and they hold nothing between turns


def store(engine: Engine) -> bytes:
    """What is in the engine."""
    found = _found
    engine.read_batch(_IDS, found.places, _COUNT)
    tags = found.tags.value
    struct.pack_into("<B", found.area, _TAGS, sum(1 << bit for bit in range(8) if tags >> 2 * bit & 3 != 3))
    struct.pack_into("<I", found.area, _MXCSR_MASK, _MXCSR_BITS)
    return found.area.raw + struct.pack("<Q", XFEATURES) + bytes(_HEADER_END - _XCOMP_BV)


def load(engine: Engine, state: bytes) -> None:
    """Put it there. ValueError for what XRSTOR refuses; parts that the header does not name get their first values."""
    if len(state) < _HEADER_END:
        raise ValueError(f"{len(state)} bytes of extended state: at least {_HEADER_END}")
    parts, compact = struct.unpack_from("<QQ", state, _XSTATE_BV)
    mxcsr = int.from_bytes(state[_MXCSR : _MXCSR + 4], "little")
    if parts & ~XFEATURES or compact or any(state[_XCOMP_BV + 8 : _HEADER_END]) or mxcsr & ~_MXCSR_BITS:
        raise ValueError(f"extended state with parts {parts:#x}, header {compact:#x}, MXCSR {mxcsr:#x}")
    x87 = state if parts & 1 else INITIAL
    sse = state if parts & 2 else INITIAL
    wanted = _wanted
    image = x87[:_MXCSR] + state[_MXCSR : _MXCSR_MASK + 4] + x87[_MXCSR_MASK + 4 : _X87_END] + sse[_XMM:_XMM_END]
    ctypes.memmove(wanted.area, image, _XMM_END)
    wanted.tags.value = _LONG_TAGS[x87[_TAGS]]
    engine.write_batch(_IDS, wanted.places, _COUNT)
