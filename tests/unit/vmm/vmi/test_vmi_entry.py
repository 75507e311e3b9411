"""The system-call entries, run in this process: what they answer, what they leave alone, and what they leave behind."""

from __future__ import annotations

import ctypes
import mmap
import signal
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from framework.forked import forked
from wirt.vmm.vmi import abi
from wirt.vmm.vmi.library import Entry, library
from wirt.vmm.vmi.thread_page import ThreadPage

RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP, R8, R9, R10, R11 = range(12)
RIP, RFLAGS = 16, 17
STATUS_FLAGS = (0x1, 0x4, 0x10, 0x40, 0x80, 0x800)  # CF, PF, AF, ZF, SF, OF
ALWAYS = 0x202  # IF and the bit that is always set
HOSTILE_STACKS = (0, 8, 0x7FFF_FFFF_EFFF, 0xFFFF_FFFF_8000_0000, 0x8000_0000_0000_0000)
INT3, SYSRETQ, OUT = b"\xcc", b"\x48\x0f\x07", b"\xe6\x10"

THREAD = ThreadPage(
    pid=4_000_000_001,
    tid=4002,
    ppid=1,
    uid=4003,
    euid=4004,
    gid=4005,
    egid=4006,
    place=(7, 3),
    yields=True,
    time=1 << 46,
)
ANSWERS = {
    39: THREAD.pid,
    186: THREAD.tid,
    110: THREAD.ppid,
    102: THREAD.uid,
    107: THREAD.euid,
    104: THREAD.gid,
    108: THREAD.egid,
    24: 0,
    abi.VMI_CALL_VERSION: abi.VMI_VERSION,
    abi.VMI_CALL_TIME: THREAD.time,
}
USER_ANSWERS = ANSWERS | {309: 0}


class Run(ctypes.Structure):
    _fields_ = (
        ("registers", ctypes.c_uint64 * 18),
        ("single_steps", ctypes.c_uint64),
        ("steps", (ctypes.c_uint64 * 4) * 128),
        ("signal", ctypes.c_uint64),
    )


class Cpu:
    """An entry page in executable memory, with a breakpoint after it to return to."""

    def __init__(self, harness: Path, entry: Entry, thread: ThreadPage) -> None:
        self.library = ctypes.CDLL(str(harness))
        self.library.prepare()
        self.memory = mmap.mmap(-1, 2 * abi.PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.memory[: abi.PAGE] = entry.page
        packed = thread.pack()
        self.memory[abi.VMI_THREAD : abi.VMI_THREAD + len(packed)] = packed
        self.memory[abi.PAGE : abi.PAGE + 1] = INT3
        self.base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.back = self.base + abi.PAGE

    def syscall(self, number: int, *, flags: int = ALWAYS, stack: int = 0, steps: bool = False, **pointers: int) -> Run:
        run = Run(single_steps=steps)
        run.registers[:] = [0xABCD_0000_0000_0000 + i for i in range(18)]
        run.registers[RDI], run.registers[RSI] = pointers.get("rdi", 0), pointers.get("rsi", 0)
        run.registers[RAX], run.registers[RCX], run.registers[RSP] = number, self.back, stack
        run.registers[R11], run.registers[RIP], run.registers[RFLAGS] = flags, self.base, flags & ~abi.VMI_RARE_FLAGS
        self.before = list(run.registers)
        self.library.run(ctypes.byref(run))
        return run

    def untouched(self, run: Run, *, but: tuple[int, ...]) -> bool:
        return all(run.registers[i] == self.before[i] for i in range(18) if i not in but)

    def offset(self, run: Run) -> int:
        return int(run.registers[RIP]) - self.base


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("entry") / "harness.so"
    source = Path(__file__).with_name("entry_harness.c")
    subprocess.run(["gcc", "-O1", "-Wall", "-shared", "-fPIC", "-o", made, source], check=True)
    return made


@pytest.fixture
def on_user_entry(harness: Path) -> Callable[..., None]:
    """Runs a body with a CPU whose `syscall` stays in ring 3, in a process of its own."""

    def go(body: Callable[[Cpu, Entry], None], thread: ThreadPage = THREAD) -> None:
        entry = library().user_entry
        forked(lambda: body(Cpu(harness, entry, thread), entry))

    return go


def test_user_entry_answers_with_registers_flags_and_stack_untouched(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, entry: Entry) -> None:
        for number, answer in USER_ANSWERS.items():
            for chosen in product((0, 1), repeat=len(STATUS_FLAGS)):
                flags = ALWAYS | sum(flag * on for flag, on in zip(STATUS_FLAGS, chosen, strict=True))
                run = cpu.syscall(number, flags=flags, stack=HOSTILE_STACKS[flags % len(HOSTILE_STACKS)])
                assert (run.signal, run.registers[RIP]) == (signal.SIGTRAP, cpu.back + 1)
                assert (number, run.registers[RAX]) == (number, answer)
                assert run.registers[RFLAGS] & ~0x10000 == flags, (number, hex(flags))
                assert cpu.untouched(run, but=(RAX, RIP, RFLAGS)), number

    on_user_entry(body)


def test_user_entry_looks_at_the_low_half_of_the_number(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, _: Entry) -> None:
        assert cpu.syscall(39 | 1 << 63).registers[RAX] == THREAD.pid

    on_user_entry(body)


def _assert_exits(cpu: Cpu, entry: Entry, number: int, flags: int = ALWAYS) -> None:
    run = cpu.syscall(number, flags=flags)
    assert (run.signal, entry.is_call(cpu.offset(run))) == (signal.SIGSEGV, True), number
    assert cpu.untouched(run, but=(RIP, RFLAGS)), number


def test_user_entry_exits_for_every_other_call_with_all_registers_as_they_were(
    on_user_entry: Callable[..., None],
) -> None:
    def body(cpu: Cpu, entry: Entry) -> None:
        numbers = {*range(470), *range(abi.VMI_CALL_BASE - 2, abi.VMI_CALL_END + 2), 0xFFFF_FFFF, 1 << 63}
        for number in numbers - USER_ANSWERS.keys():
            _assert_exits(cpu, entry, number)

    on_user_entry(body)


@pytest.mark.parametrize("flag", [0x100, 0x400, 0x4000, 0x40000])  # TF, DF, NT, AC
def test_user_entry_exits_when_flags_are_set_that_it_cannot_give_back(
    on_user_entry: Callable[..., None], flag: int
) -> None:
    on_user_entry(lambda cpu, entry: _assert_exits(cpu, entry, 39, ALWAYS | flag))


def test_user_entry_answers_nothing_while_traced(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, entry: Entry) -> None:
        for number in USER_ANSWERS:
            _assert_exits(cpu, entry, number)

    on_user_entry(body, ThreadPage(pid=1, tid=1, ppid=0, uid=0, euid=0, gid=0, egid=0, yields=True, answers=False))


def test_user_entry_exits_for_what_the_monitor_has_not_told(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, entry: Entry) -> None:
        for number in (24, 110, 309):  # sched_yield, getppid, getcpu
            _assert_exits(cpu, entry, number)

    on_user_entry(body, ThreadPage(pid=9, tid=9, ppid=8, uid=0, euid=0, gid=0, egid=0))


def test_user_entry_getcpu_writes_where_pointers_are_given(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, _: Entry) -> None:
        word = ctypes.c_uint64((1 << 64) - 1)
        address = ctypes.addressof(word)
        assert cpu.syscall(309, rdi=address, rsi=address + 4).registers[RAX] == 0
        assert word.value == 7 | 3 << 32
        word.value = 0
        cpu.syscall(309, rsi=address)
        assert word.value == 3

    on_user_entry(body)


def test_user_entry_getcpu_with_a_bad_pointer_can_be_handed_to_the_monitor(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, entry: Entry) -> None:
        for pointers in ({"rdi": 16}, {"rdi": 1 << 63}, {"rsi": 16}):
            run = cpu.syscall(309, **pointers)
            at = entry.interrupted(cpu.offset(run), run.registers[RAX], run.registers[RCX], run.registers[R11])
            assert run.signal == signal.SIGSEGV
            assert at is not None
            assert (at.number, at.rip, at.rflags) == (309, cpu.back - 2, ALWAYS)
            assert cpu.untouched(run, but=(RAX, RIP, RFLAGS))

    on_user_entry(body)


def test_user_entry_can_be_interrupted_before_every_instruction(on_user_entry: Callable[..., None]) -> None:
    def body(cpu: Cpu, entry: Entry) -> None:
        for number in (*USER_ANSWERS, 0, 0xFFFF_FFFF):
            run = cpu.syscall(number, steps=True)
            steps = run.steps[: run.single_steps]
            assert len(steps) > 3
            for rip, rax, rcx, r11 in steps:
                if rip == cpu.back:
                    continue
                at = entry.interrupted(rip - cpu.base, rax, rcx, r11)
                assert at is not None
                assert (at.rax, at.rip, at.rflags) == (number, cpu.back - 2, ALWAYS)
                assert at.number == (number if number < 1 << 31 else -1)

    on_user_entry(body)


def test_system_entry_answers_up_to_its_sysretq_and_exits_otherwise(harness: Path) -> None:
    entry = library().system_entry

    def body() -> None:
        cpu = Cpu(harness, entry, THREAD)
        for number in {*range(470), *ANSWERS, 0xFFFF_FFFF}:
            run = cpu.syscall(number, stack=HOSTILE_STACKS[number % 5])
            offset = cpu.offset(run)
            assert run.signal == signal.SIGSEGV  # privileged instructions, both
            assert entry.page[offset:].startswith(SYSRETQ if number in ANSWERS else OUT)
            assert entry.is_call(offset) == (number not in ANSWERS)
            assert run.registers[RAX] == ANSWERS.get(number, number)
            assert cpu.untouched(run, but=(RAX, RIP, RFLAGS))

    forked(body)


def test_system_entry_tells_a_call_that_was_answered_from_one_that_was_not() -> None:
    entry = library().system_entry
    answered = entry.interrupted(entry.out + 2, 77, 0x1002, 0x246)
    assert answered is not None
    assert (answered.number, answered.rax, answered.rip, answered.rflags) == (None, 77, 0x1002, 0x246)
    waiting = entry.interrupted(entry.out, 3, 0x1002, 0x246)
    assert waiting is not None
    assert (waiting.number, waiting.rip) == (3, 0x1000)


@pytest.mark.parametrize("entry", [library().user_entry, library().system_entry], ids=["user", "system"])
def test_entry_has_no_code_outside_what_it_tells(entry: Entry) -> None:
    assert entry.interrupted(-1, 0, 0, 0) is None
    assert entry.interrupted(entry.end, 0, 0, 0) is None
    assert set(entry.page[entry.end : abi.VMI_THREAD]) == {0xCC}
    assert not any(entry.page[abi.VMI_THREAD :])
    assert entry.page.count(OUT) == 1
    assert entry.page[entry.out :].startswith(OUT)
