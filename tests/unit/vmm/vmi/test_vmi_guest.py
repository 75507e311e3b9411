"""The function library where it belongs: in a guest on KVM, with a few instructions as the program."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from framework.forked import forked
from wirt.host import _native
from wirt.vmm.kvm.machine import KvmMachine, KvmPlatform
from wirt.vmm.kvm.vcpu import KvmVcpu
from wirt.vmm.layout import PAGE, GuestVirt
from wirt.vmm.memory import GuestMemory, Rights
from wirt.vmm.platform import Exit, UserRegisters
from wirt.vmm.vmi import abi
from wirt.vmm.vmi.build import HERE
from wirt.vmm.vmi.clock import HostClock, tsc_is_trusted
from wirt.vmm.vmi.library import library
from wirt.vmm.vmi.time_page import TimePage

CODE, DATA, TIME = 0x40_0000, 0x50_0000, 0x7F00_0000_0000
VDSO = TIME + PAGE
EVERYTHING_BLOCKED = -1
IDENTITY = {"pid": 101, "tid": 102, "ppid": 1, "uid": 103, "euid": 104, "gid": 105, "egid": 106}
EXIT = 60


class Guest:
    """A program of a few instructions at CODE, a page of data, the time page and the vDSO."""

    def __init__(self, source: str, folder: Path) -> None:
        self.memory = GuestMemory(64 << 20)
        self.machine: KvmMachine = KvmPlatform().create(self.memory)
        self.vcpu: KvmVcpu = self.machine.vcpu()
        self.put(CODE, assemble(source, folder), Rights.R | Rights.X)
        self.data = self.put(DATA, b"", Rights.R | Rights.W)
        self.time = self.put(TIME, b"", Rights.R)
        self.put(VDSO, library().vdso, Rights.R | Rights.X)
        self.vcpu.resume(UserRegisters(rip=CODE))
        self.vcpu.set_thread(**IDENTITY, time=TIME)

    def put(self, va: int, data: bytes, rights: Rights) -> int:
        size = max(PAGE, -(-len(data) // PAGE) * PAGE)
        phys = self.memory.allocate(size)
        _native.poke(self.memory.host(phys), data)
        self.memory.map(GuestVirt(va), size, phys, rights)
        return self.memory.host(phys)

    def run(self) -> Exit:
        return self.vcpu.run(EVERYTHING_BLOCKED)


def assemble(source: str, folder: Path) -> bytes:
    """``source`` as bytes that belong at CODE; vDSO functions are symbols."""
    listed = subprocess.run(
        ["readelf", "-W", "--dyn-syms", HERE / "vdso.so"], check=True, capture_output=True, text=True
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    symbols = {row[7].partition("@")[0]: int(row[1], 16) for row in rows if len(row) == 8 and row[3] == "FUNC"}
    sets = "".join(f".set {name}, {VDSO + offset}\n" for name, offset in symbols.items() if name.startswith("__"))
    made, flat = folder / "program.o", folder / "program"
    command = ["gcc", "-c", "-x", "assembler", "-o", made, "-"]
    subprocess.run(command, input=f"{sets}.text\n{source}\n", check=True, text=True)
    linked = ["ld", f"-Ttext={CODE:#x}", "--oformat", "binary", "-e", f"{CODE:#x}", "-o", flat, made]
    subprocess.run(linked, check=True)
    return flat.read_bytes()


@pytest.fixture
def in_guest(tmp_path: Path) -> Callable[..., None]:
    """Runs a body with a guest of that source, in a process of its own: a guest may spin for ever."""
    if not Path("/dev/kvm").exists():
        pytest.skip("no /dev/kvm")

    def go(source: str, body: Callable[[Guest], None]) -> None:
        forked(lambda: body(Guest(source, tmp_path)))

    return go


def test_calls_are_answered_in_the_guest_and_the_next_one_exits(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        assert guest.run() is Exit.SYSCALL
        assert guest.vcpu.number == EXIT
        assert guest.vcpu.args == (101, 102, 1, 103, abi.VMI_VERSION, TIME)

    answered = [("r12", 39), ("r13", 186), ("r14", 110), ("r15", 102), ("rbx", abi.VMI_CALL_VERSION)]
    calls = "".join(f"mov ${number}, %eax; syscall; mov %rax, %{register}\n" for register, number in answered)
    moves = "mov %r12, %rdi; mov %r13, %rsi; mov %r14, %rdx; mov %r15, %r10; mov %rbx, %r8; mov %rbp, %r9"
    last = f"mov ${abi.VMI_CALL_TIME}, %eax; syscall; mov %rax, %rbp"
    in_guest(f"{calls}\n{last}\n{moves}\nmov ${EXIT}, %eax; syscall", body)


def test_answers_in_the_guest_keep_flags_and_need_no_stack(in_guest: Callable[..., None]) -> None:
    """With carry, overflow and sign set, by an addition, and the stack pointer nowhere."""

    def body(guest: Guest) -> None:
        assert guest.run() is Exit.SYSCALL
        registers = guest.vcpu.registers()
        assert (registers.rax, registers.r12, registers.rsp) == (EXIT, 101, 8)
        assert registers.rflags & 0x8C5 == 0x880, "SF and OF, and neither CF, ZF nor PF"

    source = """
        mov $8, %esp
        mov $0x7fffffff, %edx
        mov $39, %eax
        add $2, %edx
        syscall
        mov %rax, %r12
        mov $60, %eax
        syscall
    """
    in_guest(source, body)


def test_no_call_is_answered_in_the_guest_while_traced(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        guest.vcpu.set_thread(**IDENTITY, time=TIME, answers=False)
        for expected in (39, 186):
            assert guest.run() is Exit.SYSCALL
            assert guest.vcpu.number == expected
            guest.vcpu.finish(7)
        assert guest.run() is Exit.SYSCALL
        assert guest.vcpu.args[:2] == (7, 7)

    in_guest("mov $39,%eax; syscall; mov %eax,%edi; mov $186,%eax; syscall; mov %eax,%esi; mov $60,%eax; syscall", body)


def test_port_of_calls_used_by_the_program_itself_is_a_protection_fault(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        assert guest.run() is Exit.FAULT
        assert guest.vcpu.fault.vector == 13

    in_guest(f"mov $60, %eax; out %al, ${abi.VMI_PORT_CALL}; ud2", body)


@pytest.mark.parametrize(
    ("source", "vector", "address"),
    [
        ("ud2", 6, 0),
        ("xor %ecx,%ecx; div %ecx", 0, 0),
        ("int3", 3, 0),
        ("hlt", 13, 0),
        ("mov %eax, 0x1234", 14, 0x1234),
    ],
)
def test_exception_stub_tells_which_it_was(
    in_guest: Callable[..., None], source: str, vector: int, address: int
) -> None:
    def body(guest: Guest) -> None:
        assert guest.run() is Exit.FAULT
        assert (guest.vcpu.fault.vector, guest.vcpu.fault.address) == (vector, address)

    in_guest(source, body)


@pytest.mark.parametrize("page", [DATA, TIME, VDSO])
def test_program_cannot_write_what_the_library_answers_from(in_guest: Callable[..., None], page: int) -> None:
    def body(guest: Guest) -> None:
        assert guest.run() is (Exit.SYSCALL if page == DATA else Exit.FAULT)
        if page != DATA:
            assert (guest.vcpu.fault.vector, guest.vcpu.fault.address) == (14, page)

    in_guest(f"mov ${page}, %rax; mov %eax, (%rax); mov $60, %eax; syscall", body)


_READ_CLOCK = f"""
    mov ${DATA + PAGE}, %rsp
    mov $1, %edi
    mov ${DATA}, %esi
    mov $__vdso_clock_gettime, %rax
    call *%rax
    mov %eax, %edi
    rdtsc
    mov %edx, %esi
    mov %eax, %edx
    mov $60, %eax
    syscall
"""


@pytest.mark.skipif(not tsc_is_trusted(), reason="this machine does not keep its time by the TSC")
def test_vdso_in_the_guest_tells_the_hosts_monotonic_clock(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        page, source = TimePage(), HostClock()
        page.attach(guest.time)
        while not page.holds_ns > 100_000_000:
            page.renew()
        for _ in range(20):
            before, cycles = time.monotonic_ns(), source.cycles()
            assert guest.run() is Exit.SYSCALL
            after, later = time.monotonic_ns(), source.cycles()
            assert (guest.vcpu.number, guest.vcpu.args[0]) == (EXIT, 0), "answered by the page, without a call"
            told = _native.u64(guest.data) * 10**9 + _native.u64(guest.data + 8)
            assert before - 2000 <= told <= after + 2000
            assert cycles <= guest.vcpu.args[1] << 32 | guest.vcpu.args[2] <= later, "the TSC is the host's"
            page.renew()
            guest.vcpu.resume(UserRegisters(rip=CODE))

    in_guest(_READ_CLOCK, body)


def test_vdso_in_the_guest_asks_when_the_page_does_not_tell(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        assert guest.run() is Exit.SYSCALL
        assert guest.vcpu.number == 228
        assert guest.vcpu.args[:2] == (1, DATA)

    in_guest(_READ_CLOCK, body)


@pytest.mark.skipif(not tsc_is_trusted(), reason="this machine does not keep its time by the TSC")
def test_vdso_in_a_guest_whose_tsc_is_another_asks(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        page = TimePage()
        page.attach(guest.time, tsc_offset=1 << 50)
        while not page.holds_ns > 100_000_000:
            page.renew()
        assert guest.run() is Exit.SYSCALL
        assert guest.vcpu.number == 228

    in_guest(_READ_CLOCK, body)


def test_vmi_call_of_a_program_reaches_the_monitor(in_guest: Callable[..., None]) -> None:
    def body(guest: Guest) -> None:
        assert guest.run() is Exit.SYSCALL
        assert guest.vcpu.number == abi.VMI_CALL_MEMORY_GIVE
        assert guest.vcpu.args[:3] == (DATA, PAGE, 0)

    nth = abi.VMI_CALL_MEMORY_GIVE - abi.VMI_CALL_BASE
    source = f"""
        mov ${DATA + PAGE}, %rsp
        mov ${nth}, %edi
        mov ${DATA}, %esi
        mov ${PAGE}, %edx
        xor %ecx, %ecx
        mov $__wirt_vmi, %rax
        call *%rax
    """
    in_guest(source, body)
