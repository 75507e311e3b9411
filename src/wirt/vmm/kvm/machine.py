"""A virtual machine on KVM for one address space of one host process, and its vCPUs."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
import threading

from wirt.abi import kvm
from wirt.abi.linux import mman, unistd
from wirt.host import _native
from wirt.host.ioctl import ioctl
from wirt.vmm.kvm.processor import STAR, Processor, descriptors, sregs, tss
from wirt.vmm.kvm.vcpu import KvmVcpu
from wirt.vmm.layout import (
    ARENA,
    ENTRY,
    MAX_VCPUS,
    PAGE,
    STUBS,
    SUPERVISOR,
    SUPERVISOR_FIXED,
    TSS,
    VCPU_SIZE,
    VCPUS,
    GuestPhys,
    GuestVirt,
)
from wirt.vmm.memory import CAPACITY, GuestMemory, Rights
from wirt.vmm.paging import NO_EXECUTE, SUPERVISOR_CODE, SUPERVISOR_DATA, USER_RIGHTS
from wirt.vmm.platform import Exit, UserRegisters
from wirt.vmm.vmi.abi import VMI_PORT_CALL
from wirt.vmm.vmi.library import Entry, library

__all__ = ["KvmMachine", "KvmPlatform"]

_MSR_STAR, _MSR_LSTAR, _MSR_SFMASK = 0xC000_0081, 0xC000_0082, 0xC000_0084
_SET_MSRS = struct.Struct("<II" + 3 * "IIQ")
_SET_XCRS = struct.Struct("<IIIIQ368x")
_CS_DPL = kvm.kvm_sregs.cs.offset + kvm.kvm_segment.dpl.offset
_XSAVE_SIZE = ctypes.sizeof(kvm.kvm_xsave)
_TWO_DIMENSIONAL = ("/sys/module/kvm_intel/parameters/ept", "/sys/module/kvm_amd/parameters/npt")
_SPARE_SLOT, _SPARE_PAGE = 500, ARENA + CAPACITY  # of memory slots and addresses, behind all that are used


def _walked_by_the_processor() -> bool:
    """Whether the guest's page tables are, with a second set from guest-physical on: then KVM has none of its own."""
    for setting in _TWO_DIMENSIONAL:
        with contextlib.suppress(OSError), open(setting, encoding="ascii") as file:
            return file.read(1) in ("Y", "1")
    return False


class KvmPlatform:
    """``raises_privilege``: whether `syscall` enters ring 0 here, or None: find out.

    ``lowest_fd``: descriptors of machines lie above it, out of the guest's reach. The device stays open.
    """

    name = "kvm"

    __slots__ = ("_apic_base", "device", "lowest_fd", "processor", "raises_privilege", "shadows")

    def __init__(self, *, raises_privilege: bool | None = None, lowest_fd: int = 0, device: str = "/dev/kvm") -> None:
        self.lowest_fd = lowest_fd
        self.device = self.hide(os.open(device, os.O_RDWR | os.O_CLOEXEC))
        self._apic_base: int | None = None
        self.shadows = not _walked_by_the_processor()
        try:
            self.processor = Processor.of(self.device)
            self.raises_privilege = self._find_quirks() if raises_privilege is None else raises_privilege
        except BaseException:
            self.close()
            raise

    def hide(self, fd: int) -> int:
        """Move a descriptor out of the guest's reach; its old number is closed in any case."""
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, self.lowest_fd)
        finally:
            os.close(fd)

    def apic_base(self, vcpu: int) -> int:
        """What KVM_SET_SREGS wants back unchanged: the same for every vCPU but for the first's bit."""
        if self._apic_base is None:
            found = kvm.kvm_sregs()
            ioctl(vcpu, kvm.KVM_GET_SREGS, found, call="KVM_GET_SREGS")
            self._apic_base = int(found.apic_base) & ~0x100
        return self._apic_base

    def create(self, memory: GuestMemory) -> KvmMachine:
        return KvmMachine(self, memory)

    def close(self) -> None:
        os.close(self.device)

    def _find_quirks(self) -> bool:
        """Run `syscall` with an entry page that either ring may execute, and see in which ring it arrives."""
        self.raises_privilege = False
        memory = GuestMemory(1 << 20)
        machine = self.create(memory)
        try:
            vcpu = machine.vcpu()
            phys = memory.allocate(PAGE)
            _native.poke(memory.host(phys), b"\x0f\x05")
            memory.map(GuestVirt(PAGE), PAGE, phys, Rights.R | Rights.X)
            vcpu.resume(UserRegisters(rip=PAGE))
            if vcpu.run(-1) is not Exit.SYSCALL:
                raise OSError(errno.EIO, f"a system call of a trial guest did not arrive: {vcpu.fault} {vcpu.reason}")
            return vcpu.ring() == 0
        finally:
            machine.close()
            memory.close()


class KvmMachine:
    """See ``platform.Machine``. Its lock is held while a vCPU is made or kept; that takes pages of the memory's."""

    __slots__ = ("_fd", "_idle", "_lock", "_platform", "_slots", "_vcpus", "entry", "memory", "processor", "xsave_size")

    def __init__(self, platform: KvmPlatform, memory: GuestMemory) -> None:
        self._platform, self.memory, self.processor = platform, memory, platform.processor
        self.entry: Entry = library().entry(raises_privilege=platform.raises_privilege is True)
        self.xsave_size = max(_XSAVE_SIZE, self.processor.features.xsave_size)
        self._vcpus: list[KvmVcpu] = []
        self._idle: list[KvmVcpu] = []
        self._slots = 0
        self._lock = threading.Lock()
        self._fd = platform.hide(ioctl(platform.device, kvm.KVM_CREATE_VM, call="KVM_CREATE_VM"))
        memory.attach(self._add_slot, forget_shadows=self._forget_shadows if platform.shadows else None)
        if not memory.prepared:
            self._prepare()

    def _add_slot(self, phys: int, size: int) -> None:
        region = kvm.kvm_userspace_memory_region(self._slots, 0, phys, size, self.memory.base + phys)
        ioctl(self._fd, kvm.KVM_SET_USER_MEMORY_REGION, region, call="KVM_SET_USER_MEMORY_REGION")
        self._slots += 1

    def _forget_shadows(self) -> None:
        """Make KVM drop what it made of the guest's page tables: it does when a memory slot goes, whichever it is."""
        for size in (PAGE, 0):
            region = kvm.kvm_userspace_memory_region(_SPARE_SLOT, 0, _SPARE_PAGE, size, self.memory.base)
            ioctl(self._fd, kvm.KVM_SET_USER_MEMORY_REGION, region, call="KVM_SET_USER_MEMORY_REGION")

    def _prepare(self) -> None:
        """What all vCPUs share, at the beginning of the supervisor region."""
        memory, stubs = self.memory, library().stubs
        for phys, contents in (*descriptors(SUPERVISOR + STUBS).items(), (STUBS, stubs)):
            _native.poke(memory.host(GuestPhys(phys)), contents)
        memory.tables.map(SUPERVISOR, SUPERVISOR_FIXED, 0, SUPERVISOR_DATA & ~2)
        memory.tables.map(SUPERVISOR + STUBS, PAGE, STUBS, SUPERVISOR_CODE)
        memory.prepared = True

    # -- vCPUs -------------------------------------------------------------------------------------

    def vcpu(self) -> KvmVcpu:
        with self._lock:
            if not self._idle:
                return self._make_vcpu()
            vcpu = self._idle.pop()
        vcpu.adopt()
        vcpu.xrestore(_INITIAL_STATE)
        return vcpu

    def _make_vcpu(self) -> KvmVcpu:
        index = len(self._vcpus)
        if index == MAX_VCPUS:
            raise OSError(errno.EAGAIN, "the guest has as many threads as it can have")
        fd = self._platform.hide(ioctl(self._fd, kvm.KVM_CREATE_VCPU, index, call="KVM_CREATE_VCPU"))
        run = _native.quick(unistd.SYS_mmap, 0, PAGE, mman.PROT_READ | mman.PROT_WRITE, mman.MAP_SHARED, fd, 0)
        if run < 0:
            os.close(fd)
            raise OSError(-run, f"mmap of a vCPU: {os.strerror(-run)}")
        vcpu = KvmVcpu(self, index, fd, run, self._make_pages(index), self._set_up(fd, index))
        self._vcpus.append(vcpu)
        return vcpu

    def _make_pages(self, index: int) -> int:
        """The supervisor's page and the entry page of a vCPU; returns where the host has the end of its stack."""
        memory = self.memory
        window = SUPERVISOR + VCPUS + index * VCPU_SIZE
        own = self._page(window + TSS, SUPERVISOR_DATA)
        rights = USER_RIGHTS[5] if self.entry.user else SUPERVISOR_CODE
        entry = self._page(window + ENTRY, rights)
        port = VMI_PORT_CALL if self.entry.user else None
        _native.poke(memory.base + own, tss(window + TSS + PAGE, port=port))
        _native.poke(memory.base + entry, self.entry.page)
        return memory.base + own + PAGE

    def _page(self, va: int, bits: int) -> int:
        """The page at ``va``, which is there already when the memory was forked or has had a machine before."""
        entry = self.memory.tables.entry(va)
        if not entry:
            phys = self.memory.take_page()
            self.memory.tables.map(va, PAGE, phys, bits)
            return phys
        return entry & ~NO_EXECUTE & -PAGE

    def entry_page(self, index: int) -> int:
        """Where the host has a vCPU's entry page."""
        return self.memory.base + self._page(SUPERVISOR + VCPUS + index * VCPU_SIZE + ENTRY, 0)

    def _set_up(self, fd: int, index: int) -> bytes:
        """All that ``resume`` does not set; returns the special registers that it does set."""
        processor, window = self.processor, SUPERVISOR + VCPUS + index * VCPU_SIZE
        msrs = ((_MSR_STAR, STAR), (_MSR_LSTAR, window + ENTRY), (_MSR_SFMASK, self.entry.sfmask))
        words = [word for number, value in msrs for word in (number, 0, value)]
        self._set(fd, kvm.KVM_SET_CPUID2, "KVM_SET_CPUID2", processor.cpuid)
        self._set(fd, kvm.KVM_SET_XCRS, "KVM_SET_XCRS", _SET_XCRS.pack(1, 0, 0, 0, processor.features.xfeatures))
        if self._set(fd, kvm.KVM_SET_MSRS, "KVM_SET_MSRS", _SET_MSRS.pack(len(msrs), 0, *words)) != len(msrs):
            raise OSError(errno.EIO, "KVM_SET_MSRS: KVM refuses the addresses of system calls")
        self._share_tsc(fd)
        cr4 = processor.cr4 | (0 if self.entry.user else processor.smep)
        return sregs(self._platform.apic_base(fd) | (0x100 if index == 0 else 0), window + TSS, cr4)

    @staticmethod
    def _share_tsc(fd: int) -> None:
        """The guest's TSC is the host's, as the time page says.

        Linux before 5.16 cannot; the vDSO of a guest sees that its TSC is another, and makes system calls.
        """
        argument = kvm.kvm_device_attr(0, kvm.KVM_VCPU_TSC_CTRL, kvm.KVM_VCPU_TSC_OFFSET, ctypes.addressof(_NO_OFFSET))
        _native.quick(unistd.SYS_ioctl, fd, kvm.KVM_SET_DEVICE_ATTR, ctypes.addressof(argument))

    @staticmethod
    def _set(fd: int, request: int, name: str, argument: bytes) -> int:
        result = _native.quick(unistd.SYS_ioctl, fd, request, _native.address_of(argument))
        if result < 0:
            raise OSError(-result, f"{name}: {os.strerror(-result)}")
        return result

    def keep(self, vcpu: KvmVcpu) -> None:
        """A thread has ended: its vCPU waits for another."""
        self._idle.append(vcpu)

    def close(self) -> None:
        for vcpu in self._vcpus:
            vcpu.give_up(os.close)
        self._vcpus, self._idle = [], []
        os.close(self._fd)

    def abandon(self) -> None:
        """The descriptors are the parent's too, and its virtual machine lives on with them only."""
        self.close()


_NO_OFFSET = ctypes.c_uint64(0)
_INITIAL_STATE = struct.pack("<HHHHQQII", 0x37F, 0, 0, 0, 0, 0, 0x1F80, 0).ljust(528, b"\0")
