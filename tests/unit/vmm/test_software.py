"""What only the emulated processor has to look after: stops, code that changes unseen, its ways without shortcuts."""

from __future__ import annotations

import os
import threading

import pytest

from framework.forked import forked
from framework.tiny_guest import CODE, DATA, TinyGuest, platform_or_skip
from wirt.abi.linux import mman
from wirt.host import _native
from wirt.vmm.layout import ENTRY, PAGE, SUPERVISOR, VCPUS, GuestVirt
from wirt.vmm.memory import Rights
from wirt.vmm.platform import Exit, UserRegisters, Vcpu
from wirt.vmm.software import engine, watches
from wirt.vmm.software.watches import Watches

CALL_1000 = "b8e8030000 0f05"
RETURN = "b8{:02x}000000 c3"  # mov eax, n; ret
CALL_RDI = "ffd7 4889c7"  # call rdi; mov rdi, rax
GATE = SUPERVISOR + VCPUS + ENTRY


def software() -> TinyGuest:
    return TinyGuest(platform_or_skip("software"))


def shared_views(guest: TinyGuest) -> tuple[int, Vcpu]:
    """The host's address of a shared page that is executable at DATA, and who calls what is there."""
    fd = os.memfd_create("code")
    os.ftruncate(fd, PAGE)
    phys = guest.memory.allocate(PAGE)
    guest.memory.place(phys, PAGE, fd, 0, shared=True, writable=True)
    other = _native.call(9, 0, PAGE, mman.PROT_READ | mman.PROT_WRITE, mman.MAP_SHARED, fd, 0)
    guest.memory.map(GuestVirt(DATA), PAGE, phys, Rights.R | Rights.X, shared=True)
    guest.code(CALL_RDI, CALL_1000)
    guest.page(0x4F_F000)
    return other, guest.vcpu(rdi=DATA)


def result(guest: TinyGuest, vcpu: Vcpu) -> int:
    vcpu.resume(UserRegisters(rip=CODE, rdi=DATA, rsp=0x50_0000))
    return guest.expect(vcpu, 1000)[0]


def test_code_written_through_another_mapping_is_seen() -> None:
    def body() -> None:
        guest = software()
        view, vcpu = shared_views(guest)
        for number in (1, 2, 2, 3):
            _native.poke(view, bytes.fromhex(RETURN.format(number)))
            assert result(guest, vcpu) == number

    forked(body)


def test_code_written_by_the_parent_is_seen_by_its_child() -> None:
    """Also where the child cannot use its copy of the engine, as another thread ran when it was made."""

    def body() -> None:
        _native.own_signals()
        guest = software()
        view, vcpu = shared_views(guest)
        _native.poke(view, bytes.fromhex(RETURN.format(1)))
        assert result(guest, vcpu) == 1
        guest.code("48ff07 ebfb", at=CODE + PAGE)  # 1: inc qword [rdi]; jmp 1b
        counter = guest.memory.host(guest.page(DATA + PAGE))
        spinning: list[Vcpu] = []

        def spin() -> None:
            spinning.append(guest.vcpu(rip=CODE + PAGE, rdi=DATA + PAGE))
            assert spinning[0].run(0) is Exit.INTERRUPTED

        thread = threading.Thread(target=spin)
        thread.start()
        while not _native.u64(counter):
            pass
        child = os.fork()
        if child == 0:
            guest.machine.abandon()
            guest.machine = guest.platform.create(guest.memory)
            ours = guest.vcpu()
            assert result(guest, ours) == 1
            _native.put_u32(view + 64, 1)  # go on, parent
            while _native.u32(view + 1) == 1:
                pass
            os._exit(result(guest, ours))
        while not _native.u32(view + 64):
            pass
        _native.poke(view, bytes.fromhex(RETURN.format(7)))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        spinning[0].kick()
        thread.join(10)
        assert not thread.is_alive()

    forked(body)


def test_watched_ranges_are_as_many_as_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "_MOST", 2)
    hooked: list[int] = []

    def hook(_data: int, first: int, _last: int) -> object:
        hooked.append(first)
        return lambda: hooked.remove(first)

    def body() -> None:
        guest = software()
        phys = guest.memory.allocate(4 * PAGE)
        watched = Watches(guest.memory, 0, hook)  # type: ignore[arg-type]
        for index in (0, 1, 1, 2):
            watched.add(DATA + index * PAGE, PAGE, phys + index * PAGE)
        assert hooked == [DATA + PAGE, DATA + 2 * PAGE]
        assert [va for va, _, _ in watched.ranges()] == hooked
        watched.clear()
        assert hooked == []

    forked(body)


@pytest.mark.parametrize("shortcut", [True, False])
def test_kicks_end_loops_of_every_kind(monkeypatch: pytest.MonkeyPatch, shortcut: bool) -> None:
    """Also with a Unicorn whose checks cannot be turned off: it is stopped by a hook on every block."""
    if not shortcut:
        monkeypatch.setattr(engine, "exit_checks", lambda _handle: 0)

    def body() -> None:
        _native.own_signals()
        guest = software()
        assert bool(guest.machine.engine.gate) == shortcut  # type: ignore[attr-defined]
        guest.page(DATA)
        copying = "48c7c100100000 4889fe 57 f3a4 5f ebf0"  # a page onto itself, by rep movsb
        loops = ("ebfe", "48ff07 ebfb", copying, "e800000000 4883c408 ebf5")
        guest.page(0x4F_F000)
        for index, code in enumerate(loops):
            guest.code(code, at=CODE + index * PAGE)
        vcpu = guest.vcpu()
        for index in range(len(loops)):
            for delay in (0, 0.001):
                vcpu.resume(UserRegisters(rip=CODE + index * PAGE, rdi=DATA, rsi=DATA, rsp=0x50_0000))
                timer = threading.Timer(delay, vcpu.kick)
                timer.start()
                happened = vcpu.run(0)
                timer.join()
                assert happened is Exit.INTERRUPTED, (index, vcpu.fault)

    forked(body)


def test_jump_to_where_runs_begin_is_a_fault() -> None:
    def body() -> None:
        guest = software()
        guest.code("ffe7")
        vcpu = guest.vcpu(rdi=GATE)
        assert vcpu.run(0) is Exit.FAULT
        assert (vcpu.fault.vector, vcpu.fault.address) == (14, GATE)

    forked(body)


@pytest.mark.parametrize("access", ["e410", "ec", "e610", "ee", "6c", "f36e"])
def test_ports_are_out_of_reach(access: str) -> None:
    def body() -> None:
        guest = software()
        guest.page(DATA)
        guest.code(access, CALL_1000)
        vcpu = guest.vcpu(rdi=DATA, rsi=DATA, rcx=4, rdx=0x10)
        assert vcpu.run(0) is Exit.FAULT
        assert vcpu.fault.vector == 13

    forked(body)


def test_processor_announces_nothing_that_it_lacks() -> None:
    """AVX, XSAVE and what comes after them (Intel SDM volume 2, CPUID)."""

    def body() -> None:
        guest = software()
        # xor ecx, ecx; mov eax, leaf; cpuid; mov rdi, rcx; mov rsi, rbx
        guest.code("31c9 b801000000 0fa2 4889cf 4889de", CALL_1000)
        guest.code("31c9 b807000000 0fa2 4889cf 4889de", CALL_1000, at=CODE + PAGE)
        vcpu = guest.vcpu()
        one = guest.expect(vcpu, 1000)[0]
        assert not one & (1 << 26 | 1 << 27 | 1 << 28 | 1 << 29 | 1 << 12)  # XSAVE, OSXSAVE, AVX, F16C, FMA
        assert one & 1 << 20  # SSE4.2
        vcpu.resume(UserRegisters(rip=CODE + PAGE))
        seven = guest.expect(vcpu, 1000)[1]
        assert not seven & (1 << 5 | 1 << 16)  # AVX2, AVX-512

    forked(body)
