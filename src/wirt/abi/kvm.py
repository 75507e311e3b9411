"""<linux/kvm.h> and <asm/kvm.h> for x86-64: the requests, structures and exits of /dev/kvm.

See Documentation/virt/kvm/api.rst in the kernel's sources. Numbers come from the structures (``abi.linux.ioctl``).
"""

from __future__ import annotations

import ctypes
from ctypes import c_uint8, c_uint16, c_uint32, c_uint64

from wirt.abi.linux.ioctl import IO, IOR, IOW, IOWR

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


class kvm_run_memory_fault(ctypes.Structure):  # noqa: N801
    """The anonymous ``memory_fault`` in the same union, 24 bytes."""

    _fields_ = (("flags", c_uint64), ("gpa", c_uint64), ("size", c_uint64))


class kvm_run_exit(ctypes.Union):  # noqa: N801
    """The union, 256 bytes."""

    _fields_ = (("io", kvm_run_io), ("memory_fault", kvm_run_memory_fault), ("padding", c_uint8 * 256))


class kvm_run(ctypes.Structure):  # noqa: N801
    """The page that a vCPU shares with us: the head, of the union the parts that we read, the synced registers."""

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
        ("exit", kvm_run_exit),
        ("kvm_valid_regs", c_uint64),
        ("kvm_dirty_regs", c_uint64),
        ("regs", kvm_regs),
        ("sregs", kvm_sregs),
    )
    _anonymous_ = ("exit",)


class kvm_cpuid_entry2(ctypes.Structure):  # noqa: N801
    """40 bytes."""

    _fields_ = (
        ("function", c_uint32),
        ("index", c_uint32),
        ("flags", c_uint32),
        *((name, c_uint32) for name in ("eax", "ebx", "ecx", "edx")),
        ("padding", c_uint32 * 3),
    )


class kvm_cpuid2(ctypes.Structure):  # noqa: N801
    """The head, 8 bytes; ``nent`` entries follow."""

    _fields_ = (("nent", c_uint32), ("padding", c_uint32))


class kvm_msr_entry(ctypes.Structure):  # noqa: N801
    """16 bytes."""

    _fields_ = (("index", c_uint32), ("reserved", c_uint32), ("data", c_uint64))


class kvm_msrs(ctypes.Structure):  # noqa: N801
    """The head, 8 bytes; ``nmsrs`` entries follow."""

    _fields_ = (("nmsrs", c_uint32), ("pad", c_uint32))


class kvm_xcr(ctypes.Structure):  # noqa: N801
    """16 bytes."""

    _fields_ = (("xcr", c_uint32), ("reserved", c_uint32), ("value", c_uint64))


class kvm_xcrs(ctypes.Structure):  # noqa: N801
    """392 bytes."""

    _fields_ = (("nr_xcrs", c_uint32), ("flags", c_uint32), ("xcrs", kvm_xcr * 16), ("padding", c_uint64 * 16))


class kvm_xsave(ctypes.Structure):  # noqa: N801
    """4096 bytes: the XSAVE area in its standard form (Intel SDM volume 1, 13.4); KVM_GET_XSAVE2 may fill in more."""

    _fields_ = (("region", c_uint32 * 1024),)


class kvm_signal_mask(ctypes.Structure):  # noqa: N801
    """The head, 4 bytes; ``len`` bytes of a signal set follow: those that are blocked during KVM_RUN."""

    _fields_ = (("len", c_uint32),)


class kvm_device_attr(ctypes.Structure):  # noqa: N801
    """24 bytes. ``addr``: where this process has the value."""

    _fields_ = (("flags", c_uint32), ("group", c_uint32), ("attr", c_uint64), ("addr", c_uint64))


# On /dev/kvm
KVM_GET_API_VERSION = IO(KVMIO, 0x00)
KVM_CREATE_VM = IO(KVMIO, 0x01)
KVM_CHECK_EXTENSION = IO(KVMIO, 0x03)
KVM_GET_VCPU_MMAP_SIZE = IO(KVMIO, 0x04)
KVM_GET_SUPPORTED_CPUID = IOWR(KVMIO, 0x05, kvm_cpuid2)

# On a VM
KVM_CREATE_VCPU = IO(KVMIO, 0x41)
KVM_SET_USER_MEMORY_REGION = IOW(KVMIO, 0x46, kvm_userspace_memory_region)
KVM_SET_TSS_ADDR = IO(KVMIO, 0x47)

# On a vCPU
KVM_RUN = IO(KVMIO, 0x80)
KVM_SET_REGS = IOW(KVMIO, 0x82, kvm_regs)
KVM_GET_SREGS = IOR(KVMIO, 0x83, kvm_sregs)
KVM_SET_SREGS = IOW(KVMIO, 0x84, kvm_sregs)
KVM_SET_MSRS = IOW(KVMIO, 0x89, kvm_msrs)
KVM_SET_SIGNAL_MASK = IOW(KVMIO, 0x8B, kvm_signal_mask)
KVM_SET_CPUID2 = IOW(KVMIO, 0x90, kvm_cpuid2)
KVM_GET_XSAVE = IOR(KVMIO, 0xA4, kvm_xsave)
KVM_SET_XSAVE = IOW(KVMIO, 0xA5, kvm_xsave)
KVM_SET_XCRS = IOW(KVMIO, 0xA7, kvm_xcrs)

KVM_SET_DEVICE_ATTR = IOW(KVMIO, 0xE1, kvm_device_attr)

# A group of attributes of a vCPU, with one
KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET = 0, 0

KVM_CAP_MAX_VCPUS = 66
KVM_CAP_SYNC_REGS = 74

# In kvm_run's kvm_valid_regs and kvm_dirty_regs
KVM_SYNC_X86_REGS = 1
KVM_SYNC_X86_SREGS = 2

KVM_EXIT_UNKNOWN = 0
KVM_EXIT_EXCEPTION = 1
KVM_EXIT_IO = 2
KVM_EXIT_HLT = 5
KVM_EXIT_MMIO = 6
KVM_EXIT_SHUTDOWN = 8
KVM_EXIT_FAIL_ENTRY = 9
KVM_EXIT_INTR = 10
KVM_EXIT_INTERNAL_ERROR = 17
KVM_EXIT_MEMORY_FAULT = 39

KVM_EXIT_IO_OUT = 1
