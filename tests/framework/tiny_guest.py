"""Guests of a few instructions, on a platform of the machine monitor: what its tests run."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from wirt.errors import Unavailable
from wirt.host import _native
from wirt.vmm.choice import choose
from wirt.vmm.layout import PAGE, GuestPhys, GuestVirt
from wirt.vmm.memory import GuestMemory, Rights
from wirt.vmm.platform import Exit, Machine, Platform, UserRegisters, Vcpu

__all__ = ["CODE", "DATA", "TinyGuest", "platform_or_skip"]

CODE, STACK, DATA = 0x40_0000, 0x50_0000, 0x7000_0000
NOTHING_BLOCKED = 0
_PLATFORMS: dict[str, Platform] = {}
_CHOSEN = [""]


def platform_or_skip(name: str | None = None) -> Platform:
    """The platform of that name, which stays the one in use; without a name that one, at first what this host has."""
    if name is not None:
        _CHOSEN[0] = name
    chosen = _CHOSEN[0]
    if chosen not in _PLATFORMS:
        try:
            _PLATFORMS[chosen] = choose(chosen, lowest_fd=500)
        except Unavailable as error:
            pytest.skip(str(error))
    return _PLATFORMS[chosen]


@dataclass
class TinyGuest:
    """Memory, a machine, and as many vCPUs as are asked for. Use inside ``forked``: some of these guests may spin."""

    platform: Platform = field(default_factory=platform_or_skip)
    memory: GuestMemory = field(default_factory=lambda: GuestMemory(1 << 30))
    machine: Machine = field(init=False)

    def __post_init__(self) -> None:
        self.machine = self.platform.create(self.memory)

    def page(self, va: int, contents: bytes = b"", rights: int = 3, size: int = PAGE) -> GuestPhys:
        """Memory at ``va`` that begins with these bytes."""
        phys = self.memory.allocate(size)
        _native.poke(self.memory.host(phys), contents)
        self.memory.map(GuestVirt(va), size, phys, Rights(rights))
        return phys

    def code(self, *parts: str, at: int = CODE) -> None:
        """Machine code as hexadecimal digits."""
        self.page(at, bytes.fromhex(" ".join(parts)), 5)

    def vcpu(self, rip: int = CODE, rsp: int = STACK, **registers: int) -> Vcpu:
        vcpu = self.machine.vcpu()
        vcpu.resume(UserRegisters(rip=rip, rsp=rsp, **registers))
        return vcpu

    def expect(self, vcpu: Vcpu, number: int) -> tuple[int, ...]:
        """Run to this system call; its arguments."""
        happened = vcpu.run(NOTHING_BLOCKED)
        assert happened is Exit.SYSCALL, (happened, vcpu.fault, vcpu.reason, vcpu.registers())
        assert vcpu.number == number
        return vcpu.args
