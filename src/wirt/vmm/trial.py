"""A tiny guest, to be run in a process of its own: there are hosts where KVM opens and then never comes back.

Two rounds. *Real mode*: the processor computes 6 x 7 as it would after a reset, tells the result through a port, halts.
*Ring 3*: 64-bit code with user rights counts down and does the same; the time it takes tells a processor from an
emulator. Each round that succeeds is a line on standard output: its name and the seconds its guest ran.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
import sys
import time
from dataclasses import dataclass

from wirt.abi import kvm
from wirt.host.ioctl import ioctl

__all__ = ["REAL_MODE", "RING_3", "main"]

REAL_MODE = "real-mode"
RING_3 = "ring-3"

_MEMORY = 2 << 20
_PML4, _PDPT, _PD, _CODE = 0x1000, 0x2000, 0x3000, 0x4000  # guest-physical; the guest's virtual addresses are the same
_TSS_ADDRESS = 0xFFFBD000  # three pages that Intel's processors need for real mode, where no guest memory is
_PORT, _ANSWER = 0x10, 42
_ROUNDS = 10_000_000

# mov al, 6; mov bl, 7; mul bl; out 0x10, al; hlt
_REAL_MODE_CODE = bytes.fromhex("b006 b307 f6e3 e610 f4")
# mov ecx, ROUNDS; 1: dec ecx; jnz 1b; mov al, 6; mov bl, 7; mul bl; out 0x10, al
_RING_3_CODE = b"\xb9" + struct.pack("<I", _ROUNDS) + bytes.fromhex("ffc9 75fc b006 b307 f6e3 e610")

_PRESENT_WRITABLE_USER, _LARGE = 0x7, 0x80
_CR0 = 0x8005_0033  # PG, AM, WP, NE, ET, MP, PE (Intel SDM volume 3, 2.5)
_CR4_PAE = 1 << 5
_EFER = 0x500  # LME, LMA
_RFLAGS_IOPL_3 = 0x3002  # lets ring 3 reach ports


@dataclass(slots=True)
class _Guest:
    """One virtual processor with 2 MiB."""

    vcpu: int
    memory: mmap.mmap
    run: kvm.kvm_run
    page: mmap.mmap

    def start(self, rip: int, rflags: int) -> None:
        ioctl(self.vcpu, kvm.KVM_SET_REGS, kvm.kvm_regs(rip=rip, rsp=_MEMORY, rflags=rflags), call="KVM_SET_REGS")

    def step(self) -> int:
        """Run to the next exit; returns its reason."""
        ioctl(self.vcpu, kvm.KVM_RUN, call="KVM_RUN")
        return int(self.run.exit_reason)

    def expect_halt(self) -> None:
        if (reason := self.step()) != kvm.KVM_EXIT_HLT:
            raise RuntimeError(f"the guest left for reason {reason} instead of halting")

    def expect_answer(self) -> None:
        reason, io = self.step(), self.run.io
        if reason != kvm.KVM_EXIT_IO:
            raise RuntimeError(f"the guest left for reason {reason} instead of telling its result")
        told = (io.direction, io.port, io.size, self.page[io.data_offset])
        if told != (kvm.KVM_EXIT_IO_OUT, _PORT, 1, _ANSWER):
            raise RuntimeError(f"the guest told {told} instead of {_ANSWER} on port {_PORT:#x}")


def main() -> None:
    """Both rounds on the device named on the command line. A failure ends the process with one line that says it."""
    try:
        device = os.open(sys.argv[1], os.O_RDWR | os.O_CLOEXEC)
        for name, prepare, code in ((REAL_MODE, _to_real_mode, _REAL_MODE_CODE), (RING_3, _to_ring_3, _RING_3_CODE)):
            guest = _make(device)
            guest.memory[_CODE : _CODE + len(code)] = code
            prepare(guest)
            began = time.perf_counter()
            guest.expect_answer()
            took = time.perf_counter() - began
            if name == REAL_MODE:
                guest.expect_halt()
            print(name, took, flush=True)
    except (OSError, RuntimeError) as error:
        sys.exit(str(error.args[-1]))


def _make(device: int) -> _Guest:
    version = ioctl(device, kvm.KVM_GET_API_VERSION, call="KVM_GET_API_VERSION")
    if version != kvm.KVM_API_VERSION:
        raise RuntimeError(f"KVM speaks version {version} of its interface instead of {kvm.KVM_API_VERSION}")
    vm = ioctl(device, kvm.KVM_CREATE_VM, call="KVM_CREATE_VM")
    ioctl(vm, kvm.KVM_SET_TSS_ADDR, _TSS_ADDRESS, call="KVM_SET_TSS_ADDR")
    memory = mmap.mmap(-1, _MEMORY)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    region = kvm.kvm_userspace_memory_region(memory_size=_MEMORY, userspace_addr=address)
    ioctl(vm, kvm.KVM_SET_USER_MEMORY_REGION, region, call="KVM_SET_USER_MEMORY_REGION")
    vcpu = ioctl(vm, kvm.KVM_CREATE_VCPU, call="KVM_CREATE_VCPU")
    page = mmap.mmap(vcpu, ioctl(device, kvm.KVM_GET_VCPU_MMAP_SIZE, call="KVM_GET_VCPU_MMAP_SIZE"))
    return _Guest(vcpu, memory, kvm.kvm_run.from_buffer(page), page)


def _to_real_mode(guest: _Guest) -> None:
    sregs = _sregs(guest)
    sregs.cs.base = sregs.cs.selector = 0
    ioctl(guest.vcpu, kvm.KVM_SET_SREGS, sregs, call="KVM_SET_SREGS")
    guest.start(_CODE, 0x2)


def _to_ring_3(guest: _Guest) -> None:
    """Long mode with one 2 MiB page, entered with user rights at once: no code of ring 0 is needed to get there."""
    for table, entry in ((_PML4, _PDPT), (_PDPT, _PD), (_PD, _LARGE)):
        struct.pack_into("<Q", guest.memory, table, entry | _PRESENT_WRITABLE_USER)
    sregs = _sregs(guest)
    flat = {"limit": 0xFFFF_FFFF, "present": 1, "dpl": 3, "s": 1, "g": 1}
    sregs.cs = kvm.kvm_segment(selector=0x2B, type=11, l=1, **flat)
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = kvm.kvm_segment(selector=0x23, type=3, db=1, **flat)
    sregs.cr0, sregs.cr3, sregs.cr4, sregs.efer = _CR0, _PML4, _CR4_PAE, _EFER
    ioctl(guest.vcpu, kvm.KVM_SET_SREGS, sregs, call="KVM_SET_SREGS")
    guest.start(_CODE, _RFLAGS_IOPL_3)


def _sregs(guest: _Guest) -> kvm.kvm_sregs:
    sregs = kvm.kvm_sregs()
    ioctl(guest.vcpu, kvm.KVM_GET_SREGS, sregs, call="KVM_GET_SREGS")
    return sregs
