"""<linux/kvm.h> and <asm/kvm.h> for x86-64: the requests, structures and exits of /dev/kvm.

See Documentation/virt/kvm/api.rst in the kernel's sources. Numbers come from the structures (``abi.linux.ioctl``).
"""

from __future__ import annotations

import ctypes
from ctypes import c_uint8, c_uint16, c_uint32, c_uint64

from wirt.abi.linux.ioctl import IO, IOR, IOW

KVM_API_VERSION = 12
KVMIO = 0xAE


class kvm_userspace_memory_region(ctypes.Structure):  # noqa: N801 - the kernel's names
    """32 bytes."""

    _fields_ = (
        ("slot", c_uint32),
        ("flags", c_uint32),
        ("guest_phys_addr", c_uint64),
        ("memory_size", c_uint64),
        ("userspace_addr", c_uint64),
    )


class kvm_regs(ctypes.Structure):  # noqa: N801
    """144 bytes."""

    _fields_ = (
        *((name, c_uint64) for name in ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp")),
        *((name, c_uint64) for name in ("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")),
        ("rip", c_uint64),
        ("rflags", c_uint64),
    )


class kvm_segment(ctypes.Structure):  # noqa: N801
    """24 bytes. ``type`` and what follows are the bits of a segment descriptor (Intel SDM volume 3, 3.4.5)."""

    _fields_ = (
        ("base", c_uint64),
        ("limit", c_uint32),
        ("selector", c_uint16),
        ("type", c_uint8),
        ("present", c_uint8),
        ("dpl", c_uint8),
        ("db", c_uint8),
        ("s", c_uint8),
        ("l", c_uint8),
        ("g", c_uint8),
        ("avl", c_uint8),
        ("unusable", c_uint8),
        ("padding", c_uint8),
    )


class kvm_dtable(ctypes.Structure):  # noqa: N801
    """16 bytes."""

    _fields_ = (("base", c_uint64), ("limit", c_uint16), ("padding", c_uint16 * 3))


class kvm_sregs(ctypes.Structure):  # noqa: N801
    """312 bytes."""

    _fields_ = (
        *((name, kvm_segment) for name in ("cs", "ds", "es", "fs", "gs", "ss", "tr", "ldt")),
        *((name, kvm_dtable) for name in ("gdt", "idt")),
        *((name, c_uint64) for name in ("cr0", "cr2", "cr3", "cr4", "cr8", "efer", "apic_base")),
        ("interrupt_bitmap", c_uint64 * 4),
    )


class kvm_run_io(ctypes.Structure):  # noqa: N801
    """The anonymous ``io`` in struct kvm_run's union, 16 bytes. ``data_offset`` counts from the start of kvm_run."""

    _fields_ = (
        ("direction", c_uint8),
        ("size", c_uint8),
        ("port", c_uint16),
        ("count", c_uint32),
        ("data_offset", c_uint64),
    )


class kvm_run(ctypes.Structure):  # noqa: N801
    """The page that a vCPU shares with us: the head, 32 bytes, and of the union that follows the part ``io``."""

    _fields_ = (
        ("request_interrupt_window", c_uint8),
        ("immediate_exit", c_uint8),
        ("padding1", c_uint8 * 6),
        ("exit_reason", c_uint32),
        ("ready_for_interrupt_injection", c_uint8),
        ("if_flag", c_uint8),
        ("flags", c_uint16),
        ("cr8", c_uint64),
        ("apic_base", c_uint64),
        ("io", kvm_run_io),
    )


# On /dev/kvm
KVM_GET_API_VERSION = IO(KVMIO, 0x00)
KVM_CREATE_VM = IO(KVMIO, 0x01)
KVM_GET_VCPU_MMAP_SIZE = IO(KVMIO, 0x04)

# On a VM
KVM_CREATE_VCPU = IO(KVMIO, 0x41)
KVM_SET_USER_MEMORY_REGION = IOW(KVMIO, 0x46, kvm_userspace_memory_region)
KVM_SET_TSS_ADDR = IO(KVMIO, 0x47)

# On a vCPU
KVM_RUN = IO(KVMIO, 0x80)
KVM_SET_REGS = IOW(KVMIO, 0x82, kvm_regs)
KVM_GET_SREGS = IOR(KVMIO, 0x83, kvm_sregs)
KVM_SET_SREGS = IOW(KVMIO, 0x84, kvm_sregs)

KVM_EXIT_IO = 2
KVM_EXIT_HLT = 5
KVM_EXIT_SHUTDOWN = 8
KVM_EXIT_FAIL_ENTRY = 9
KVM_EXIT_INTERNAL_ERROR = 17

KVM_EXIT_IO_OUT = 1
