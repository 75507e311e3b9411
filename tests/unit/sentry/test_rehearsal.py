"""What a waiting monitor does in advance leaves an empty machine behind, which a guest may then have."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from framework.forked import forked
from framework.tiny_guest import platform_or_skip
from wirt.sentry.descriptors import OWN, hide
from wirt.sentry.guest import new_machine
from wirt.sentry.loader import parse
from wirt.sentry.mm import USER_END
from wirt.sentry.rehearsal import program, rehearse
from wirt.vmm.choice import choose
from wirt.vmm.layout import PAGE, GuestVirt
from wirt.vmm.memory import Rights
from wirt.vmm.platform import Exit, Platform, UserRegisters

CALL_1000 = bytes.fromhex("b8e8030000 0f05")


def _names(folder: str) -> set[str]:
    return {entry.name for entry in Path(folder).iterdir()}


def _rehearsed(platform: Platform) -> None:
    """A rehearsal ends with descriptors as execve(2) does: those of the test's are to stay."""
    for name in _names("/proc/self/fd"):
        with contextlib.suppress(OSError):
            os.set_inheritable(int(name), True)
    proc = hide(os.open("/proc", os.O_PATH))
    made = new_machine(platform)
    memory, machine = made
    machine.vcpu().close()
    before, open_before = memory.limit, _names("/proc/self/fd")
    rehearse(platform, made, proc)
    assert _names("/proc/self/fd") == open_before
    assert (memory.limit, memory.used) == (before, 0)
    assert memory.shown(0, USER_END) == []
    assert _names("/proc/self/task") == {str(os.getpid())}, "it could enter no user namespace"
    vcpu = machine.vcpu()
    assert vcpu.xsave() == machine.vcpu().xsave(), "as one that was never used"
    phys = memory.allocate(PAGE)
    assert os.pread(os.open("/proc/self/mem", os.O_RDONLY), PAGE, memory.host(phys)) == bytes(PAGE)
    with open("/proc/self/mem", "r+b", buffering=0) as file:
        file.seek(memory.host(phys))
        file.write(CALL_1000)
    memory.map(GuestVirt(PAGE * 16), PAGE, phys, Rights.R | Rights.X)
    vcpu.resume(UserRegisters(rip=PAGE * 16))
    assert vcpu.run(-1) is Exit.SYSCALL
    assert vcpu.number == 1000


@pytest.mark.parametrize("name", ["kvm", "software"])
def test_rehearsal_leaves_a_machine_that_a_guest_can_have(name: str) -> None:
    def body() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        _rehearsed(choose(name, lowest_fd=OWN))

    platform_or_skip(name)
    forked(body)


def test_rehearsed_program_is_one_that_can_be_loaded() -> None:
    image = parse(-1, program("/some/file"))
    assert [segment.rights for segment in image.segments] == [5, 3]
    assert not image.interpreter
