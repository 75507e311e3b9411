"""CPUID leaf 2 for guests: the caches by descriptors, so that programs need not ask for each of them again and again.

Today's Intel processors say in leaf 2 no more than "see leaf 4" (descriptor 0xFF), and glibc then goes through leaf 4
once for each of a dozen questions whenever a program starts. In a guest every such instruction leaves the processor.
With descriptors there are about 30 fewer, which are 1.5 ms of a start on a host with software KVM. Leaf 4 still has
the truth to the byte; a descriptor names the largest known cache that is not larger.

Source: Intel SDM volume 2A, CPUID, tables 3-12 (descriptors) and 3-17 (leaf 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["Cache", "describe", "leaf_4"]

_SEE_LEAF_4 = 0xFF
_DATA, _INSTRUCTION, _UNIFIED = 1, 2, 3

Cache = tuple[int, int, int]  # level, kind, size in bytes

# Of each level and kind with lines of 64 bytes: (size in KiB, descriptor), smallest first.
_KNOWN = {
    (1, _DATA): ((16, 0x0D), (24, 0x0E), (32, 0x2C)),
    (1, _INSTRUCTION): ((32, 0x30),),
    (2, _UNIFIED): ((256, 0x21), (512, 0x80), (1024, 0x7C), (2048, 0x7D), (3072, 0x48)),
    (3, _UNIFIED): (
        *((512, 0xD0), (1024, 0xD6), (2048, 0xE2), (3072, 0xDD), (4096, 0xE3), (6144, 0xDE), (8192, 0xE4)),
        *((12288, 0xEA), (18432, 0xEB), (24576, 0xEC)),
    ),
}


def leaf_4(registers: Sequence[int]) -> Cache | None:
    """The cache that a subleaf of leaf 4 (eax, ebx, ecx, edx) tells of; None behind the last one."""
    eax, ebx, ecx, _ = registers
    if not eax & 31:
        return None
    ways, partitions, line, sets = (ebx >> 22) + 1, (ebx >> 12 & 1023) + 1, (ebx & 4095) + 1, ecx + 1
    return eax >> 5 & 7, eax & 31, ways * partitions * line * sets


def describe(registers: Sequence[int], caches: Iterable[Cache]) -> tuple[int, ...]:
    """Leaf 2 with descriptors of ``caches`` in place of "see leaf 4"; as it was where that is not what it says.

    ``registers``: eax, ebx, ecx, edx. The lowest byte is no descriptor; a register with its highest bit set has none.
    """
    said = bytearray(b"".join(register.to_bytes(4, "little") for register in registers))
    places = [at for at in range(1, 16) if not said[at | 3] & 0x80]
    wanted = [_descriptor(cache) for cache in caches]
    room = [at for at in places if said[at] in (0, _SEE_LEAF_4)]
    if not any(said[at] == _SEE_LEAF_4 for at in places) or not all(wanted) or len(wanted) > len(room):
        return tuple(registers)
    for at, descriptor in zip(room, wanted + [0] * (len(room) - len(wanted)), strict=True):
        said[at] = descriptor
    return tuple(int.from_bytes(said[at : at + 4], "little") for at in range(0, 16, 4))


def _descriptor(cache: Cache) -> int:
    """0 for a cache that no descriptor comes near."""
    level, kind, size = cache
    fitting = [descriptor for known, descriptor in _KNOWN.get((level, kind), ()) if known << 10 <= size]
    return fitting[-1] if fitting else 0
