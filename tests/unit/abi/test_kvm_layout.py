"""Sizes and request numbers against those of <linux/kvm.h>: a wrong field shows here."""

from __future__ import annotations

import ctypes

import pytest

from wirt.abi import kvm
from wirt.abi.linux import fs


@pytest.mark.parametrize(
    ("layout", "size"),
    [
        (kvm.kvm_userspace_memory_region, 32),
        (kvm.kvm_regs, 144),
        (kvm.kvm_segment, 24),
        (kvm.kvm_dtable, 16),
        (kvm.kvm_sregs, 312),
        (kvm.kvm_run_io, 16),
        (kvm.kvm_run_memory_fault, 24),
        (kvm.kvm_run_exit, 256),
        (kvm.kvm_run, 760),
        (kvm.kvm_cpuid_entry2, 40),
        (kvm.kvm_cpuid2, 8),
        (kvm.kvm_msr_entry, 16),
        (kvm.kvm_msrs, 8),
        (kvm.kvm_xcr, 16),
        (kvm.kvm_device_attr, 24),
        (kvm.kvm_xcrs, 392),
        (kvm.kvm_xsave, 4096),
        (kvm.kvm_signal_mask, 4),
    ],
)
def test_kvm_structure_has_the_kernels_size(layout: type[ctypes.Structure], size: int) -> None:
    assert ctypes.sizeof(layout) == size


def test_kvm_run_puts_the_union_behind_its_head() -> None:
    assert (kvm.kvm_run.exit_reason.offset, kvm.kvm_run.io.offset) == (8, 32)
    assert (kvm.kvm_sregs.cr0.offset, kvm.kvm_sregs.cr2.offset) == (224, 232)
    assert (kvm.kvm_run.kvm_valid_regs.offset, kvm.kvm_run.kvm_dirty_regs.offset) == (288, 296)
    assert (kvm.kvm_run.regs.offset, kvm.kvm_run.sregs.offset) == (304, 448)


@pytest.mark.parametrize(
    ("request_number", "number"),
    [
        (kvm.KVM_GET_API_VERSION, 0xAE00),
        (kvm.KVM_CREATE_VM, 0xAE01),
        (kvm.KVM_CHECK_EXTENSION, 0xAE03),
        (kvm.KVM_GET_VCPU_MMAP_SIZE, 0xAE04),
        (kvm.KVM_GET_SUPPORTED_CPUID, 0xC008AE05),
        (kvm.KVM_CREATE_VCPU, 0xAE41),
        (kvm.KVM_SET_USER_MEMORY_REGION, 0x4020AE46),
        (kvm.KVM_SET_TSS_ADDR, 0xAE47),
        (kvm.KVM_RUN, 0xAE80),
        (kvm.KVM_SET_REGS, 0x4090AE82),
        (kvm.KVM_GET_SREGS, 0x8138AE83),
        (kvm.KVM_SET_SREGS, 0x4138AE84),
        (kvm.KVM_SET_MSRS, 0x4008AE89),
        (kvm.KVM_SET_SIGNAL_MASK, 0x4004AE8B),
        (kvm.KVM_SET_CPUID2, 0x4008AE90),
        (kvm.KVM_GET_XSAVE, 0x9000AEA4),
        (kvm.KVM_SET_XSAVE, 0x5000AEA5),
        (kvm.KVM_SET_XCRS, 0x4188AEA7),
        (fs.FS_IOC_GETFLAGS, 0x80086601),
        (fs.FS_IOC_SETFLAGS, 0x40086602),
    ],
)
def test_request_number_follows_from_its_structure(request_number: int, number: int) -> None:
    assert request_number == number
