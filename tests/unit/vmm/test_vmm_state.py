"""What is put into a virtual processor comes out of it again, whatever it is; on either platform."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.forked import forked
from framework.tiny_guest import CODE, DATA, TinyGuest, platform_or_skip
from wirt.host import _native
from wirt.vmm.layout import NO_ADDRESS, PAGE, GuestPhys, GuestVirt
from wirt.vmm.memory import Rights
from wirt.vmm.platform import Exit, UserRegisters

pytestmark = pytest.mark.usefixtures("_platform")

CALL = "0f05"
GENERAL = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", *(f"r{n}" for n in range(8, 16)))
STATUS = 0x8D5  # carry, parity, adjust, zero, sign, overflow
KNOWN_FLAGS = 0x25_0DD5 & ~0x100  # what a program may set; the trap flag would make it trap
PAGES = 4
READ, WRITE, JUMP = "488b07", "488807", "ffe7"  # mov rax, [rdi]; mov [rdi], al; jmp rdi

words = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 2**31, 2**32 - 1, 2**47 - 1, 2**63, 2**64 - 1]))
examples = settings(max_examples=60, deadline=None, database=None)


@pytest.fixture(scope="module", params=["kvm", "software"])
def _platform(request: pytest.FixtureRequest) -> Iterator[str]:
    platform_or_skip(request.param)
    yield request.param
    platform_or_skip("kvm")


def canonical(address: int) -> bool:
    return address < 1 << 47 or address >= 2**64 - (1 << 47)


def test_registers_come_out_as_they_were_put_in() -> None:
    def body() -> None:
        guest = TinyGuest()
        vcpu = guest.vcpu()

        @examples
        @given(st.fixed_dictionaries(dict.fromkeys((*GENERAL, "rip", "rflags", "fs_base", "gs_base"), words)))
        def check(given: dict[str, int]) -> None:
            vcpu.resume(UserRegisters(**given))
            found = dataclasses.asdict(vcpu.registers())
            assert {name: found[name] for name in GENERAL} == {name: given[name] for name in GENERAL}
            assert found["rflags"] & KNOWN_FLAGS == given["rflags"] & KNOWN_FLAGS
            assert found["rflags"] & ~0x25_0DD5 == 0x202
            for name in ("rip", "fs_base", "gs_base"):
                assert found[name] == (given[name] if canonical(given[name]) else NO_ADDRESS)

        check()

    forked(body, seconds=60)


def test_call_changes_what_the_processor_changes_and_nothing_else() -> None:
    def body() -> None:
        guest = TinyGuest()
        guest.code(CALL, CALL)
        vcpu = guest.vcpu()

        @examples
        @given(st.fixed_dictionaries(dict.fromkeys((*GENERAL, "rflags"), words)), words)
        def check(given: dict[str, int], answer: int) -> None:
            flags = given["rflags"] & STATUS
            vcpu.resume(UserRegisters(**given | {"rip": CODE, "rflags": flags}))
            assert vcpu.run(-1) is Exit.SYSCALL
            assert (vcpu.number, vcpu.args) == (
                given["rax"],
                tuple(given[name] for name in ("rdi", "rsi", "rdx", "r10", "r8", "r9")),
            )
            vcpu.finish(answer)
            assert vcpu.run(-1) is Exit.SYSCALL  # the program sees what the answer left
            assert vcpu.number == answer
            found = dataclasses.asdict(vcpu.registers())
            changed = {"rax": answer, "rcx": CODE + 4, "r11": flags | 0x202}
            assert {name: found[name] for name in GENERAL} == {name: given[name] for name in GENERAL} | changed

        check()

    forked(body, seconds=60)


def test_extended_state_comes_out_as_it_was_put_in() -> None:
    def body() -> None:
        vcpu = TinyGuest().vcpu()
        clean = vcpu.xsave()

        @examples
        @given(st.binary(min_size=80, max_size=80), st.binary(min_size=256, max_size=256), st.integers(0, 255))
        def check(x87: bytes, xmm: bytes, valid: int) -> None:
            state = bytearray(clean)
            state[4] = valid
            state[512:520] = (3).to_bytes(8, "little")
            state[160:416] = xmm
            for number in range(8):
                state[32 + 16 * number : 42 + 16 * number] = x87[10 * number : 10 * number + 10]
            vcpu.xrestore(bytes(state))
            found = vcpu.xsave()
            assert found[160:416] == xmm
            assert found[4] == valid
            assert found[32:160] == bytes(state[32:160])

        check()

    forked(body, seconds=60)


class _Model:
    """Four pages, each with the rights it shall have; None: nothing is shown there."""

    def __init__(self, guest: TinyGuest) -> None:
        self.guest, self.vcpu = guest, guest.vcpu()
        for offset, code in enumerate((READ, WRITE, JUMP)):
            guest.code(code, CALL, at=CODE + offset * PAGE)
        self.phys = [guest.memory.allocate(PAGE) for _ in range(PAGES)]
        for phys in self.phys:
            _native.poke(guest.memory.host(phys), bytes.fromhex(CALL))
        self.rights: list[Rights | None] = [None] * PAGES

    def place(self, index: int) -> tuple[GuestVirt, int, GuestPhys]:
        return GuestVirt(DATA + index * PAGE), PAGE, self.phys[index]

    def change(self, index: int, wanted: Rights | None) -> None:
        va, size, phys = self.place(index)
        memory, before = self.guest.memory, self.rights[index]
        if wanted is None:
            memory.unmap(va, size)
        elif before is None:
            memory.map(va, size, phys, wanted)
        else:
            memory.protect(va, size, phys, wanted)
        self.rights[index] = wanted

    def check(self, index: int) -> None:
        rights = self.rights[index] or Rights.NONE
        for offset, allowed in enumerate((rights, rights & Rights.W, rights & Rights.X)):
            rip = CODE + offset * PAGE
            self.vcpu.resume(UserRegisters(rip=rip, rdi=DATA + index * PAGE, rax=0x0F))
            happened = self.vcpu.run(-1)
            while happened is Exit.FAULT and allowed and self.vcpu.fault.vector == 14:  # spurious: the run goes on
                happened = self.vcpu.run(-1)
            assert (happened is Exit.SYSCALL) == bool(allowed), (index, rights, offset)


def test_rights_are_those_given_last_whatever_came_before() -> None:
    def body() -> None:
        model = _Model(TinyGuest())
        step: Any = st.tuples(st.integers(0, PAGES - 1), st.sampled_from([None, *map(Rights, (0, 1, 3, 5, 7))]))

        @settings(examples, max_examples=40)
        @given(st.lists(step, min_size=1, max_size=6))
        def check(steps: list[tuple[int, Rights | None]]) -> None:
            for index, wanted in steps:
                model.change(index, wanted)
                model.check(index)
            for index in range(PAGES):
                model.check(index)

        check()

    forked(body, seconds=120)
