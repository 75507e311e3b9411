"""Tiny guests on every platform this host has: calls, faults, registers, signals, threads, forks."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from framework.forked import forked
from framework.tiny_guest import CODE, DATA, TinyGuest, platform_or_skip
from wirt.host import _native
from wirt.vmm.layout import PAGE, STUBS, SUPERVISOR, GuestVirt
from wirt.vmm.memory import Rights
from wirt.vmm.platform import BUS_ERROR, Exit, Fault, UserRegisters, Vcpu

pytestmark = pytest.mark.usefixtures("_platform")

SYSCALL = "0f05"
LOOP = "ebfe"
CALL_1000 = "b8e8030000" + SYSCALL
CALL_1001 = "b8e9030000" + SYSCALL
READ_DATA = "48a10000007000000000"  # mov rax, [DATA]
WRITE_DATA = "48a30000007000000000"
JUMP_TO_DATA = "48b80000007000000000 ffe0"
UNDEFINED = "0f0b"


@pytest.fixture(scope="module", params=["kvm", "software"])
def _platform(request: pytest.FixtureRequest) -> Iterator[str]:
    platform_or_skip(request.param)
    yield request.param
    platform_or_skip("kvm")


def test_call_reports_number_and_arguments_and_gets_its_answer() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(CALL_1000, "4889c7", CALL_1001, UNDEFINED)  # mov rdi, rax
        vcpu = guest.vcpu(rdi=1, rsi=2, rdx=3, r10=4, r8=5, r9=2**64 - 6)
        assert guest.expect(vcpu, 1000) == (1, 2, 3, 4, 5, 2**64 - 6)
        vcpu.finish(-38)
        assert guest.expect(vcpu, 1001)[0] == 2**64 - 38

    forked(body)


def test_call_leaves_every_other_register_alone() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code("31db 4883eb01", "48b81122334455667788 50 58", CALL_1000, CALL_1001)
        before = {f"r{n}": n * 0x0101_0101_0101 for n in (8, 9, 10, 12, 13, 14, 15)}
        vcpu = guest.vcpu(rbp=77, rdx=88, fs_base=0x1234_5000, gs_base=0x7777_0000, **before)
        guest.page(0x4F_F000)
        guest.expect(vcpu, 1000)
        flags = vcpu.registers().rflags
        vcpu.finish(5)
        assert vcpu.registers().rax == 5
        guest.expect(vcpu, 1001)
        after = vcpu.registers()
        assert {name: getattr(after, name) for name in before} == before
        assert (after.rbx, after.rbp, after.rdx, after.rsp) == (2**64 - 1, 77, 88, 0x50_0000)
        assert (after.fs_base, after.gs_base, after.rflags) == (0x1234_5000, 0x7777_0000, flags)
        assert (after.rip, after.rcx, after.r11) == (CODE + 32, CODE + 32, flags)

    forked(body)


@pytest.mark.parametrize(
    ("code", "rights", "error", "at"),
    [
        (READ_DATA, 0, 4, CODE),
        (WRITE_DATA, 0, 6, CODE),
        (WRITE_DATA, 1, 7, CODE),
        (WRITE_DATA, 5, 7, CODE),
        (JUMP_TO_DATA, 3, 0x15, DATA),
        (JUMP_TO_DATA, 1, 0x15, DATA),
        (JUMP_TO_DATA, 0, 0x14, DATA),
    ],
)
def test_fault_tells_address_and_error_code(code: str, rights: int, error: int, at: int) -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(code, CALL_1000)
        guest.page(DATA, rights=rights)
        vcpu = guest.vcpu(rbx=9)
        for _ in range(2):  # to run on without a remedy is to fault again
            assert vcpu.run(0) is Exit.FAULT
            assert vcpu.fault == Fault(14, error, DATA)
        registers = vcpu.registers()
        assert (registers.rip, registers.rsp, registers.rbx) == (at, 0x50_0000, 9)

    forked(body)


def test_fault_is_over_when_the_page_is_there() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(READ_DATA, "4889c7", CALL_1000)
        vcpu = guest.vcpu(rbx=9, fs_base=4096)
        assert vcpu.run(0) is Exit.FAULT
        guest.page(DATA, b"\x2a")
        assert guest.expect(vcpu, 1000)[0] == 42
        assert (vcpu.registers().rbx, vcpu.fs_base) == (9, 4096)

    forked(body)


@pytest.mark.parametrize(
    ("code", "vectors", "behind"),
    [
        ("31c9 f7f1", {0}, 2),  # div ecx
        ("cc", {3}, 1),
        (UNDEFINED, {6}, 0),
        ("f4", {13}, 0),  # hlt
        ("fa", {13}, 0),  # cli
        ("cd80", {13, 6}, 0),
        ("0f32", {13}, 0),  # rdmsr
        ("0f20d8", {13}, 0),  # mov rax, cr3
        ("480f07", {13, 6}, 0),  # sysretq
        ("48a10000000000008000", {13}, 0),  # a non-canonical address
        ("66baf803 ee", {13, 6}, 4),  # out to a serial port: an emulated one does nothing
    ],
)
def test_exception_tells_its_vector(code: str, vectors: set[int], behind: int) -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(code, UNDEFINED)
        vcpu = guest.vcpu()
        assert vcpu.run(0) is Exit.FAULT
        assert vcpu.fault.vector in vectors
        if len(vectors) == 1 or vcpu.fault.vector == 13:
            assert vcpu.registers().rip == CODE + behind

    forked(body)


@pytest.mark.parametrize("port", ["10", "11"])
def test_port_written_by_the_program_is_no_call_and_no_fault_of_ours(port: str) -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code("b800000000", "e6" + port, UNDEFINED)
        vcpu = guest.vcpu()
        assert vcpu.run(0) is Exit.FAULT
        assert vcpu.fault.vector in {13, 6}  # 6: behind it; an emulated port does nothing

    forked(body)


@pytest.mark.parametrize("address", [SUPERVISOR, SUPERVISOR + STUBS, SUPERVISOR + 0x10_0000])
@pytest.mark.parametrize("access", ["488b07", "488907", "ffe7"])  # mov rax, [rdi]; mov [rdi], rax; jmp rdi
def test_supervisor_window_is_out_of_reach(address: int, access: str) -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(access)
        vcpu = guest.vcpu(rdi=address)
        assert vcpu.run(0) is Exit.FAULT
        assert (vcpu.fault.vector, vcpu.fault.address) == (14, address)
        assert vcpu.fault.error & 5 == (5 if guest.memory.tables.entry(address) else 4)

    forked(body)


def test_entry_page_is_not_writable() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code("4889 07")
        vcpu = guest.vcpu(rdi=SUPERVISOR + 0x10_1F10)
        assert vcpu.run(0) is Exit.FAULT
        present = guest.memory.tables.entry(SUPERVISOR + 0x10_1F10) != 0
        assert (vcpu.fault.vector, vcpu.fault.error & 7) == (14, 7 if present else 6)

    forked(body)


@pytest.mark.parametrize("rcx", [0, 0x8000_0000_0000, 0xFFFF_0000_0000_0000, SUPERVISOR + STUBS])
def test_jump_into_the_entry_ends_in_the_program_at_worst(rcx: int) -> None:
    """With flags that no program may have in r11, and rcx anywhere."""

    def body() -> None:
        guest = TinyGuest()
        entry = SUPERVISOR + 0x10_1000
        guest.code("ffe7")
        vcpu = guest.vcpu(rdi=entry, rax=1000, rcx=rcx, r11=0xFFFF_FFFF)
        happened = vcpu.run(0)
        if happened is Exit.SYSCALL:
            assert vcpu.number == 1000
            vcpu.finish(0)
            assert vcpu.run(0) is Exit.FAULT
        else:
            assert happened is Exit.FAULT
        assert vcpu.registers().rflags & 0x3000 == 0

    forked(body)


@pytest.mark.parametrize("rip", [2**47, 2**63, 2**64 - 1, SUPERVISOR, 0])
def test_resume_at_an_impossible_address_faults(rip: int) -> None:
    def body() -> None:
        guest = TinyGuest()
        vcpu = guest.vcpu(rip=rip, fs_base=2**63, gs_base=2**47, rflags=0xFFFF_FFFF_FFFF_FEFF)
        assert vcpu.run(0) is Exit.FAULT
        assert vcpu.fault.vector in {13, 14, 17}

    forked(body)


def test_large_pages_are_mapped_split_and_protected() -> None:
    def body() -> None:
        guest = TinyGuest()
        size = 4 << 20
        phys = guest.page(DATA, b"\x11", size=size)
        assert guest.memory.tables.entry(DATA) & 0x80
        guest.code("498b07 4889c7", CALL_1000, "49893f", CALL_1001)  # mov rax, [r15]; ...; mov [r15], rdi
        vcpu = guest.vcpu(r15=DATA)
        assert guest.expect(vcpu, 1000)[0] == 0x11
        vcpu.finish(0)
        guest.expect(vcpu, 1001)
        middle = DATA + 3 * PAGE
        guest.memory.protect(GuestVirt(middle), PAGE, type(phys)(phys + 3 * PAGE), Rights.R)
        assert not guest.memory.tables.entry(DATA) & 0x80
        assert guest.memory.tables.entry(DATA + size // 2) & 0x80
        for address, writable in ((DATA, True), (middle, False), (middle + PAGE, True), (DATA + size - 8, True)):
            vcpu.resume(UserRegisters(rip=CODE, r15=address))
            guest.expect(vcpu, 1000)
            vcpu.finish(0)
            assert vcpu.run(0) is (Exit.SYSCALL if writable else Exit.FAULT), hex(address)
        guest.memory.protect(GuestVirt(DATA), size // 2, phys, Rights.R | Rights.W)
        vcpu.resume(UserRegisters(rip=CODE, r15=middle))
        guest.expect(vcpu, 1000)
        vcpu.finish(0)
        guest.expect(vcpu, 1001)

    forked(body)


def test_memory_is_shown_elsewhere_after_unmapping() -> None:
    """Large, then small with other memory, then large again at one address: no translation of before survives."""

    def body() -> None:
        guest = TinyGuest()
        guest.code("498b07 4889c7", CALL_1000)
        vcpu = guest.vcpu()
        size = 2 << 20
        for turn in range(12):
            small = turn % 2
            extents = [guest.memory.allocate(PAGE if small else size) for _ in range(512 if small else 1)]
            step = size // len(extents)
            for index, phys in enumerate(reversed(extents)):
                _native.put_u64(guest.memory.host(phys), turn << 32 | index)
                guest.memory.map(GuestVirt(DATA + index * step), step, phys, Rights.R)
            for index in range(len(extents)):  # each: KVM shows neighbours of what is touched as well
                vcpu.resume(UserRegisters(rip=CODE, r15=DATA + index * step))
                assert guest.expect(vcpu, 1000)[0] == turn << 32 | index
            guest.memory.unmap(GuestVirt(DATA), size, touch=False)
            for phys in extents:
                guest.memory.free(phys, step)
            vcpu.resume(UserRegisters(rip=CODE, r15=DATA))
            assert vcpu.run(0) is Exit.FAULT

    forked(body, seconds=60)


@pytest.mark.parametrize("right", [Rights.W, Rights.X, Rights.R])
def test_revoked_right_does_not_survive(right: Rights) -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code({Rights.R: READ_DATA, Rights.W: WRITE_DATA, Rights.X: JUMP_TO_DATA}[right], CALL_1000)
        phys = guest.page(DATA, bytes.fromhex(CALL_1000), rights=7)
        vcpu = guest.vcpu()
        guest.expect(vcpu, 1000)
        left = Rights(0) if right is Rights.R else Rights(7 & ~right)
        guest.memory.protect(GuestVirt(DATA), PAGE, phys, left)
        vcpu.resume(UserRegisters(rip=CODE))
        assert vcpu.run(0) is Exit.FAULT
        assert vcpu.fault.address == DATA
        guest.memory.protect(GuestVirt(DATA), PAGE, phys, Rights(7))
        guest.expect(vcpu, 1000)

    forked(body)


def test_unmapped_and_freed_memory_is_gone() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(WRITE_DATA, CALL_1000)
        phys = guest.page(DATA)
        vcpu = guest.vcpu(rax=7)
        guest.expect(vcpu, 1000)
        guest.memory.unmap(GuestVirt(DATA), PAGE, touch=False)
        guest.memory.free(phys, PAGE)
        assert guest.memory.allocate(PAGE) == phys
        assert _native.u64(guest.memory.host(phys)) == 0
        vcpu.resume(UserRegisters(rip=CODE))
        assert vcpu.run(0) is Exit.FAULT

    forked(body)


def test_revoking_stops_a_second_vcpu_that_runs() -> None:
    def body() -> None:
        _native.own_signals()
        guest = TinyGuest()
        guest.code("48ff07", "ebfb")  # 1: inc qword [rdi]; jmp 1b
        phys = guest.page(DATA)
        ended: list[Fault] = []

        def spin() -> None:
            vcpu = guest.vcpu(rdi=DATA)
            assert vcpu.run(0) is Exit.FAULT
            ended.append(vcpu.fault)

        thread = threading.Thread(target=spin)
        thread.start()
        host = guest.memory.host(phys)
        while not _native.u64(host):
            time.sleep(0)
        guest.memory.protect(GuestVirt(DATA), PAGE, phys, Rights.R)
        stopped_at = _native.u64(host)
        thread.join(10)
        assert ended == [Fault(14, 7, DATA)]
        assert _native.u64(host) == stopped_at

    forked(body)


def test_file_is_seen_and_its_end_is_a_bus_error() -> None:
    if platform_or_skip().name == "software":
        pytest.skip("the platform software ends the process by SIGBUS")

    def body() -> None:
        guest = TinyGuest()
        guest.code("488b07 4889c7", CALL_1000)
        file = os.memfd_create("data")
        os.ftruncate(file, 2 * PAGE)
        os.pwrite(file, b"file", PAGE)
        phys = guest.memory.allocate(2 * PAGE)
        guest.memory.place(phys, 2 * PAGE, file, 0, shared=True, writable=True)
        guest.memory.map(GuestVirt(DATA), 2 * PAGE, phys, Rights.R)
        vcpu = guest.vcpu(rdi=DATA + PAGE)
        assert guest.expect(vcpu, 1000)[0] == int.from_bytes(b"file", "little")
        os.ftruncate(file, PAGE)
        vcpu.resume(UserRegisters(rip=CODE, rdi=DATA + PAGE))
        assert vcpu.run(0) is Exit.FAULT
        assert vcpu.fault.vector == BUS_ERROR
        assert vcpu.fault.address in {-1, phys + PAGE}
        assert vcpu.registers().rip == CODE
        os.ftruncate(file, 2 * PAGE)
        assert guest.expect(vcpu, 1000)[0] == 0

    forked(body)


def test_read_only_file_stays_so_when_rights_change() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code("488b07 4889c7", CALL_1000)
        with open("/proc/self/exe", "rb") as file:
            phys = guest.memory.allocate(PAGE)
            guest.memory.place(phys, PAGE, file.fileno(), 0, shared=True, writable=False)
        guest.memory.map(GuestVirt(DATA), PAGE, phys, Rights.R | Rights.X)
        vcpu = guest.vcpu(rdi=DATA)
        elf = guest.expect(vcpu, 1000)[0] & 0xFFFF_FFFF
        assert struct.pack("<I", elf) == b"\x7fELF"
        guest.memory.protect(GuestVirt(DATA), PAGE, phys, Rights(0))
        vcpu.resume(UserRegisters(rip=CODE, rdi=DATA))
        assert vcpu.run(0) is Exit.FAULT
        with pytest.raises(OSError, match="Bad address"):
            _native.poke_safe(guest.memory.host(phys), b"x")

    forked(body)


# -- extended state --------------------------------------------------------------------------------


def _wide(vcpu: Vcpu) -> tuple[str, str, int]:
    """(instruction that loads the widest register from [rdi], one that stores it at [rsi], bytes)."""
    if vcpu.features.xfeatures & 0xE0 == 0xE0:
        return "62f17c481007", "62f17c481106", 64  # vmovups zmm0
    if vcpu.features.xfeatures & 4:
        return "c5fc1007", "c5fc1106", 32  # vmovups ymm0
    return "0f1007", "0f1106", 16


def test_wide_registers_survive_exits_and_preemption() -> None:
    def body() -> None:
        guest = TinyGuest()
        vcpu = guest.vcpu(rdi=DATA, rsi=DATA + 64)
        load, store, size = _wide(vcpu)
        pattern = bytes(range(1, size + 1))
        guest.code(load, CALL_1000, _delay(guest, 0x10), CALL_1001, store, CALL_1000)
        phys = guest.page(DATA, pattern)
        others = [threading.Thread(target=_disturb, args=(guest, number)) for number in (1, 2)]
        for other in others:
            other.start()
        guest.expect(vcpu, 1000)
        sum(float(number) for number in range(10_000))
        vcpu.finish(0)
        guest.expect(vcpu, 1001)
        vcpu.finish(0)
        guest.expect(vcpu, 1000)
        for other in others:
            other.join()
        assert _native.peek(guest.memory.host(phys) + 64, size) == pattern

    forked(body)


def _delay(guest: TinyGuest, length: int) -> str:
    """Count down, long enough for others to run; an emulated processor is slower."""
    count = (length << 24) >> (5 if guest.platform.name == "software" else 0)
    return f"b9{struct.pack('<I', count).hex()} ffc9 75fc"


def _disturb(guest: TinyGuest, number: int) -> None:
    """Another vCPU with other contents in the same registers."""
    code, data = CODE + number * PAGE, DATA + number * PAGE
    vcpu = guest.vcpu(rip=code, rdi=data, rsi=data + 64)
    load, store, size = _wide(vcpu)
    pattern = bytes([0xF0 + number]) * size
    guest.code(load, _delay(guest, 0x08), store, CALL_1000, at=code)
    phys = guest.page(data, pattern)
    guest.expect(vcpu, 1000)
    assert _native.peek(guest.memory.host(phys) + 64, size) == pattern


def test_extended_state_is_saved_and_restored() -> None:
    def body() -> None:
        guest = TinyGuest()
        vcpu = guest.vcpu(rdi=DATA, rsi=DATA + 64)
        load, store, size = _wide(vcpu)
        guest.code(load, CALL_1000, store, CALL_1001)
        phys = guest.page(DATA, b"A" * size)
        guest.expect(vcpu, 1000)
        saved = vcpu.xsave()
        assert len(saved) == vcpu.features.xsave_size
        assert saved[160:176] == b"A" * 16
        _native.poke(guest.memory.host(phys), b"B" * size)
        vcpu.resume(UserRegisters(rip=CODE, rdi=DATA, rsi=DATA + 64))
        guest.expect(vcpu, 1000)
        vcpu.xrestore(saved)
        vcpu.finish(0)
        guest.expect(vcpu, 1001)
        assert _native.peek(guest.memory.host(phys) + 64, size) == b"A" * size

    forked(body)


@pytest.mark.parametrize(
    ("offset", "value"),
    [(24, b"\xff\xff\xff\xff"), (512, b"\0\0\0\0\0\0\0\x40"), (520, b"\0\0\0\0\0\0\0\x80"), (530, b"\x01")],
)
def test_extended_state_that_would_fault_is_refused(offset: int, value: bytes) -> None:
    def body() -> None:
        guest = TinyGuest()
        vcpu = guest.vcpu()
        state = bytearray(vcpu.xsave())
        state[offset : offset + len(value)] = value
        with pytest.raises(ValueError, match="extended state"):
            vcpu.xrestore(bytes(state))
        with pytest.raises(ValueError, match="extended state"):
            vcpu.xrestore(b"short")

    forked(body)


# -- signals, threads, forks -----------------------------------------------------------------------


def test_signal_ends_the_run_and_stays_pending() -> None:
    def body() -> None:
        _native.own_signals()
        guest = TinyGuest()
        guest.code(LOOP)
        vcpu = guest.vcpu(rbx=3)
        os.kill(os.getpid(), signal.SIGUSR1)
        blocked = 1 << signal.SIGUSR1 - 1
        for _ in range(2):
            assert vcpu.run(0) is Exit.INTERRUPTED
        child = os.fork()
        if child == 0:
            time.sleep(0.05)
            os.kill(os.getppid(), signal.SIGUSR2)
            os._exit(0)
        assert vcpu.run(blocked | 1 << signal.SIGCHLD - 1) is Exit.INTERRUPTED
        taken = [signal.sigtimedwait({number}, 0) for number in (signal.SIGUSR1, signal.SIGUSR2)]
        assert [info and info.si_pid for info in taken] == [os.getpid(), child]
        assert (vcpu.registers().rip, vcpu.registers().rbx) == (CODE, 3)
        os.waitpid(child, 0)

    forked(body)


def test_kick_ends_the_run_once() -> None:
    def body() -> None:
        _native.own_signals()
        guest = TinyGuest()
        guest.code("48ff07", "ebfb")
        phys = guest.page(DATA)
        vcpu = guest.vcpu(rdi=DATA)
        host = guest.memory.host(phys)

        def kick() -> None:
            while not _native.u64(host):
                time.sleep(0)
            vcpu.kick()

        for _ in range(20):
            _native.put_u64(host, 0)
            thread = threading.Thread(target=kick)
            thread.start()
            assert vcpu.run(-1) is Exit.INTERRUPTED
            thread.join()

    forked(body)


def test_interrupted_calls_are_never_lost_nor_made_twice() -> None:
    """Kicks at many instants, most of them inside the function library, which answers getpid(2) by itself."""

    def body() -> None:
        _native.own_signals()
        guest = TinyGuest()
        # 1: inc rbx; mov ebp, 20
        # 2: mov eax, 39; syscall; cmp rax, r15; jne 3f; dec ebp; jnz 2b
        # mov eax, 1000; syscall; jmp 1b; 3: ud2
        guest.code("48ffc3 bd14000000", "b827000000 0f05 4c39f8 750d ffcd 75f0", "b8e8030000 0f05 ebdf", UNDEFINED)
        vcpu = guest.vcpu(r15=4711)
        vcpu.set_thread(pid=4711, tid=1, ppid=1, uid=0, euid=0, gid=0, egid=0)
        stop = threading.Event()

        def kick() -> None:
            while not stop.wait(0.001):
                vcpu.kick()

        thread = threading.Thread(target=kick)
        thread.start()
        calls = kicks = 0
        while calls < 200 or kicks < 200:
            happened = vcpu.run(0)
            assert happened in {Exit.SYSCALL, Exit.INTERRUPTED}, (vcpu.fault, vcpu.reason, vcpu.registers())
            if happened is Exit.SYSCALL:
                assert vcpu.number == 1000
                calls += 1
                assert vcpu.registers().rbx == calls
                vcpu.finish(0)
            else:
                kicks += 1
                registers = vcpu.registers()
                assert registers.rip < PAGE + CODE
                vcpu.resume(registers)
        stop.set()
        thread.join()

    forked(body, seconds=60)


def test_interruptions_leave_instructions_whole() -> None:
    """Additions to memory, and string instructions, under kicks at many instants: each is carried out once."""

    def body() -> None:
        _native.own_signals()
        guest = TinyGuest()
        # 1: add [rdi], rbp; push rdi; lea rsi, [rdi+64]; lea rdi, [rdi+72]; mov ecx, 16; rep movsq; pop rdi
        # inc qword [rdi+64]; dec rbp; jnz 1b
        guest.code("48012f 57 488d7740 488d7f48 b910000000 f348a5 5f 48ff4740 48ffcd 75e2", CALL_1000)
        phys = guest.page(DATA)
        guest.page(0x4F_F000)
        rounds = 300_000
        vcpu = guest.vcpu(rdi=DATA, rbp=rounds)
        stop = threading.Event()

        def kick() -> None:
            while not stop.wait(0.0005):
                vcpu.kick()

        thread = threading.Thread(target=kick)
        thread.start()
        while (happened := vcpu.run(0)) is Exit.INTERRUPTED:
            pass
        stop.set()
        thread.join()
        assert happened is Exit.SYSCALL
        host = guest.memory.host(phys)
        assert _native.u64(host) == rounds * (rounds + 1) // 2
        assert [_native.u64(host + 64 + 8 * index) for index in (0, 1, 8)] == [rounds, rounds - 1, rounds - 1]

    forked(body)


def test_code_that_changes_is_seen() -> None:
    """By what the program itself writes, and by what is put where a page was executable before."""

    def body() -> None:
        guest = TinyGuest()
        guest.code("ffd7 4889c7", CALL_1000)  # call rdi; mov rdi, rax
        guest.page(0x4F_F000)
        phys = guest.page(DATA, bytes.fromhex("b801000000 c3"), rights=7)  # mov eax, 1; ret
        vcpu = guest.vcpu(rdi=DATA)
        assert guest.expect(vcpu, 1000)[0] == 1
        guest.code("c6470102 ffd7 4889c7", CALL_1000, at=CODE + PAGE)  # mov byte [rdi+1], 2, and the same
        vcpu.resume(UserRegisters(rip=CODE + PAGE, rdi=DATA, rsp=0x50_0000))
        assert guest.expect(vcpu, 1000)[0] == 2
        guest.memory.protect(GuestVirt(DATA), PAGE, phys, Rights.R | Rights.W)
        _native.poke(guest.memory.host(phys) + 1, b"\x03")
        guest.memory.protect(GuestVirt(DATA), PAGE, phys, Rights.R | Rights.X)
        vcpu.resume(UserRegisters(rip=CODE, rdi=DATA, rsp=0x50_0000))
        assert guest.expect(vcpu, 1000)[0] == 3
        guest.memory.unmap(GuestVirt(DATA), PAGE, touch=False)
        guest.memory.free(phys, PAGE)
        assert guest.page(DATA, bytes.fromhex("b804000000 c3"), rights=5) == phys
        vcpu.resume(UserRegisters(rip=CODE, rdi=DATA, rsp=0x50_0000))
        assert guest.expect(vcpu, 1000)[0] == 4

    forked(body)


def test_locked_additions_of_several_vcpus_all_count() -> None:
    def body() -> None:
        _native.own_signals()
        guest = TinyGuest()
        guest.code("f048ff07 48ffcd 75f7", CALL_1000)  # 1: lock inc qword [rdi]; dec rbp; jnz 1b
        phys = guest.page(DATA)

        def run() -> None:
            guest.expect(guest.vcpu(rdi=DATA, rbp=500_000), 1000)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert _native.u64(guest.memory.host(phys)) == 1_500_000

    forked(body)


def test_two_vcpus_run_at_the_same_time() -> None:
    def body() -> None:
        guest = TinyGuest()
        # 1: mov [rdi], 1; cmp [rsi], 0; je 1b: each waits for the other
        guest.code("c60701 803e00 74f8", CALL_1000)
        guest.page(DATA)
        ended = []

        def run(mine: int, other: int) -> None:
            vcpu = guest.vcpu(rdi=DATA + mine, rsi=DATA + other)
            guest.expect(vcpu, 1000)
            ended.append(mine)
            vcpu.close()

        threads = [threading.Thread(target=run, args=pair) for pair in ((0, 64), (64, 0))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ended) == [0, 64]

    forked(body)


def test_closed_vcpu_serves_the_next_thread_afresh() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code("0f1107", CALL_1000)  # movups [rdi], xmm0
        phys = guest.page(DATA, b"x" * 16)
        first = guest.vcpu(rdi=DATA, rbx=5, fs_base=4096)
        guest.expect(first, 1000)
        state = bytearray(first.xsave())
        state[160:176], state[512] = b"S" * 16, state[512] | 2
        first.xrestore(bytes(state))
        first.close()
        second = guest.vcpu(rdi=DATA)
        guest.expect(second, 1000)
        assert _native.peek(guest.memory.host(phys), 16) == bytes(16)
        registers = second.registers()
        assert (registers.rbx, registers.fs_base) == (0, 0)

    forked(body)


def test_fork_goes_on_in_both_over_separate_memory() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(CALL_1000, "488907", CALL_1001, "488b07 4889c7", CALL_1000)  # mov [rdi], rax ... mov rdi, [rdi]
        guest.page(DATA)
        vcpu = guest.vcpu(rdi=DATA)
        guest.expect(vcpu, 1000)
        registers, state = vcpu.registers(), vcpu.xsave()
        child = os.fork()
        if child == 0:
            guest.machine.abandon()
            guest.machine = guest.platform.create(guest.memory)
            vcpu = guest.machine.vcpu()
            vcpu.xrestore(state)
            registers.rax = 11
            vcpu.resume(registers)
        else:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            vcpu.finish(22)
        guest.expect(vcpu, 1001)
        vcpu.finish(0)
        assert guest.expect(vcpu, 1000)[0] == (22 if child else 11)

    forked(body)


def test_clear_leaves_nothing_of_the_program() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(CALL_1000)
        guest.page(DATA, b"secret", size=4 << 20)
        vcpu = guest.vcpu()
        guest.expect(vcpu, 1000)
        guest.memory.clear()
        assert guest.memory.used == 0
        vcpu.resume(UserRegisters(rip=CODE))
        assert vcpu.run(0) is Exit.FAULT
        guest.code(READ_DATA, "4889c7", CALL_1001)
        phys = guest.page(DATA, size=4 << 20)
        assert _native.u64(guest.memory.host(phys)) == 0
        assert guest.expect(vcpu, 1001)[0] == 0

    forked(body)


def test_memory_grows_in_new_slots() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code("488b07 4889c7", CALL_1000)
        vcpu = guest.vcpu(rdi=DATA)
        size = 200 << 20
        phys = guest.page(DATA, size=size)
        _native.put_u64(guest.memory.host(phys) + size - 8, 99)
        vcpu.resume(UserRegisters(rip=CODE, rdi=DATA + size - 8))
        assert guest.expect(vcpu, 1000)[0] == 99

    forked(body)
