"""What every vCPU starts with: descriptors, control registers, MSRs, what it may use of the host's processor.

Sources: Intel SDM volume 3 (2.5 control registers, 3.4.5 segments, 7.7 TSS, 6.14 IDT in 64-bit mode), AMD APM
volume 2, 6.1.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

from wirt.abi import kvm
from wirt.host.ioctl import ioctl
from wirt.vmm.kvm.caches import describe, leaf_4
from wirt.vmm.layout import GDT, IDT, PML4, SUPERVISOR
from wirt.vmm.platform import Features
from wirt.vmm.vmi.abi import VMI_VECTORS
from wirt.vmm.vmi.library import idt

__all__ = ["STAR", "USER_CODE", "USER_DATA", "Processor", "descriptors", "segment", "sregs", "tss"]

_RING_0_CODE, _TSS = 0x08, 0x30
USER_DATA, USER_CODE = 0x23, 0x2B
STAR = (USER_DATA - 8) << 48 | _RING_0_CODE << 32

_GDT = (
    0,
    0x00AF_9B00_0000_FFFF,  # 0x08 code of ring 0, 64 bits
    0x00CF_9300_0000_FFFF,  # 0x10 data of ring 0
    0x00CF_FB00_0000_FFFF,  # 0x18 where `sysretl` would go
    0x00CF_F300_0000_FFFF,  # 0x20 data of ring 3
    0x00AF_FB00_0000_FFFF,  # 0x28 code of ring 3, 64 bits
)
_TSS_BITMAP, _TSS_SIZE = 104, 112  # a bit for each of the first ports, and a byte of ones

_CR0 = 0x8005_0033  # PG, AM, WP, NE, ET, MP, PE
_EFER = 0xD01  # NXE, LMA, LME, SCE
_CR4 = 1 << 5 | 1 << 9 | 1 << 10 | 1 << 18  # PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
_UMIP, _FSGSBASE, _SMEP, _SMAP = 1 << 11, 1 << 16, 1 << 20, 1 << 21
_NOT_OFFERED = 3 << 17  # XCR0: AMX has 8 KiB of state, which needs arch_prctl(2) for each process

_CPUID_ENTRIES = 256
_HEAD = ctypes.sizeof(kvm.kvm_cpuid2)
_ENTRY = struct.Struct("<7I12x")
_FIRST_REGISTER = 12  # eax of an entry
_REGISTERS = struct.Struct("<4I")
_FRAME = 1024  # bytes of a signal frame besides the extended state, and its alignment
_HWCAP2_FSGSBASE = 2

_SEGMENT = struct.Struct("<QIH10B")


def segment(base: int, selector: int, kind: int, *, dpl: int = 0, system: bool = False, long: bool = False) -> bytes:
    """A struct kvm_segment with its type."""
    limit = _TSS_SIZE - 1 if system else 0xFFFF_FFFF
    wide = not long and not system
    return _SEGMENT.pack(base, limit, selector, kind, 1, dpl, wide, not system, long, not system, 0, 0, 0)


def descriptors(stubs: int) -> dict[int, bytes]:
    """Guest-physical address -> contents: GDT and IDT, the latter for stubs from guest-virtual ``stubs`` on."""
    return {GDT: struct.pack("<6Q", *_GDT), IDT: idt(stubs)}


def tss(stack: int, *, port: int | None) -> bytes:
    """A task state segment: exceptions switch to ``stack`` (rsp0, IST 1); ring 3 may use ``port`` and no other."""
    head = struct.pack("<IQ24xQ", 0, stack, stack).ljust(_TSS_BITMAP - 2, b"\0") + struct.pack("<H", _TSS_BITMAP)
    forbidden = bytearray(b"\xff" * (_TSS_SIZE - _TSS_BITMAP))
    if port is not None:
        forbidden[port >> 3] &= ~(1 << (port & 7))
    return head + forbidden


@dataclass(frozen=True, slots=True)
class Processor:
    """What KVM offers, found once. ``cpuid``: the argument of KVM_SET_CPUID2."""

    cpuid: bytes
    cr4: int
    smep: int
    features: Features

    @classmethod
    def of(cls, device: int) -> Processor:
        buffer = ctypes.create_string_buffer(_HEAD + _CPUID_ENTRIES * _ENTRY.size)
        struct.pack_into("<I", buffer, 0, _CPUID_ENTRIES)
        ioctl(device, kvm.KVM_GET_SUPPORTED_CPUID, buffer, call="KVM_GET_SUPPORTED_CPUID")
        (count,) = struct.unpack_from("<I", buffer)
        cpuid = _with_caches(buffer.raw[: _HEAD + count * _ENTRY.size])
        leaves = {(leaf, index): rest for leaf, index, _, *rest in _ENTRY.iter_unpack(cpuid[_HEAD:])}
        nothing = [0, 0, 0, 0]
        _, ebx7, ecx7, _ = leaves.get((7, 0), nothing)
        fsgsbase = ebx7 & 1
        cr4 = _CR4 | (_FSGSBASE if fsgsbase else 0) | (_UMIP if ecx7 & 4 else 0)
        smep = (_SMEP if ebx7 & 1 << 7 else 0) | (_SMAP if ebx7 & 1 << 20 else 0)
        eax, _, _, edx = leaves.get((0xD, 0), nothing)
        xfeatures = (eax | edx << 32) & ~_NOT_OFFERED or 3
        parts = [leaves.get((0xD, bit), nothing) for bit in range(2, 63) if xfeatures >> bit & 1]
        size = max([576, *(part[0] + part[1] for part in parts)])
        hwcap = leaves.get((1, 0), nothing)[3]
        features = Features(xfeatures, size, hwcap, _HWCAP2_FSGSBASE if fsgsbase else 0, size + _FRAME)
        return cls(cpuid, cr4, smep, features)


def _with_caches(cpuid: bytes) -> bytes:
    """The caches in leaf 2, which programs ask first."""
    entries = list(_ENTRY.iter_unpack(cpuid[_HEAD:]))
    found = [leaf_4(registers) for leaf, _, _, *registers in entries if leaf == 4]
    changed = bytearray(cpuid)
    for number, (leaf, _, _, *registers) in enumerate(entries):
        if leaf == 2:
            place = _HEAD + number * _ENTRY.size + _FIRST_REGISTER
            _REGISTERS.pack_into(changed, place, *describe(registers, [cache for cache in found if cache]))
    return bytes(changed)


def sregs(apic_base: int, tss_address: int, cr4: int) -> bytes:
    """A struct kvm_sregs for a program in ring 3, with fs and gs at 0."""
    data = segment(0, USER_DATA, 3, dpl=3)
    segments = (
        segment(0, USER_CODE, 11, dpl=3, long=True),
        *([data] * 5),
        segment(tss_address, _TSS, 11, system=True),
        segment(0, 0, 2, system=True),
    )
    tables = struct.pack("<QH6xQH6x", SUPERVISOR + GDT, 8 * len(_GDT) - 1, SUPERVISOR + IDT, 16 * VMI_VECTORS - 1)
    control = struct.pack("<7Q", _CR0, 0, PML4, cr4, 0, _EFER, apic_base)
    return b"".join(segments) + tables + control + bytes(32)
