"""Objects that are exchanged for others while the monitor is between asking about them and using them.

A hostile guest needs luck for it (a process that is stopped at the right moment, numbers that come around again); here
the exchange is made by hand, at that very moment.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from framework.forked import forked
from framework.guest_space import guest as new_guest
from framework.platforms import require
from wirt.abi.kvm import KVM_CREATE_VCPU, KVM_CREATE_VM
from wirt.abi.linux.sched import CLONE_NEWIPC
from wirt.abi.linux.unistd import SYS_semctl, SYS_semget, SYS_shmctl, SYS_shmget
from wirt.host import _native
from wirt.host.namespaces import unshare

NEXT = Path("/proc/sys/kernel")
RMID, STAT, GETALL, SETALL = 0, 2, 13, 17
MANY = 32000
PAGE = 4096

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not (NEXT / "sem_next_id").exists(), reason="a kernel without CONFIG_CHECKPOINT_RESTORE"),
]


@contextmanager
def _after(number: int, command_at: int, exchange: Callable[[], object]) -> Iterator[list[int]]:
    """``exchange`` happens right behind the first IPC_STAT of that call; the list tells that it has."""
    real, happened = _native.call, []

    def call(asked: int, *words: int | bytes | bytearray) -> int:
        result = real(asked, *words)
        if asked == number and words[command_at] == STAT and not happened:
            happened.append(1)
            exchange()
        return result

    _native.call = call
    try:
        yield happened
    finally:
        _native.call = real


@pytest.mark.parametrize("command", [GETALL, SETALL])
def test_set_of_semaphores_that_becomes_larger_overflows_nothing(command: int) -> None:
    def body() -> None:
        unshare(CLONE_NEWIPC)
        identity = _native.call(SYS_semget, 0, 1, 0o600)

        def exchange() -> None:
            _native.quick(SYS_semctl, identity, 0, RMID, 0)
            (NEXT / "sem_next_id").write_text(str(identity))
            assert _native.quick(SYS_semget, 0, MANY, 0o600) == identity

        with new_guest() as guest, _after(SYS_semctl, 2, exchange) as happened:
            values = guest.put(struct.pack("<2H", 7, 0xFFFF))
            assert guest.call("semctl", identity, 0, command, values) == 0
            assert happened
            first = 7 if command == SETALL else 0
            assert struct.unpack("<2H", guest.mm.read(values, 4)) == (first, 0xFFFF)
            if command == SETALL:  # nothing of the monitor's memory went into the others
                room = bytearray(2 * MANY)
                _native.quick(SYS_semctl, identity, 0, GETALL, room)
                assert room == struct.pack("<H", 7).ljust(2 * MANY, b"\0")

    forked(body)


def test_segment_that_becomes_larger_covers_nothing_else() -> None:
    def body() -> None:
        unshare(CLONE_NEWIPC)
        identity = _native.call(SYS_shmget, 0, PAGE, 0o600)

        def exchange() -> None:
            _native.quick(SYS_shmctl, identity, RMID, 0)
            (NEXT / "shm_next_id").write_text(str(identity))
            _native.quick(SYS_shmget, 0, 1 << 30, 0o600)

        with new_guest() as guest, _after(SYS_shmctl, 1, exchange) as happened:
            where = guest.call("shmat", identity, 0, 0)
            assert happened
            assert where > 0
            host = guest.mm.host(where, 1)
            assert _mapped(host) == PAGE
            assert guest.must("shmdt", where) == 0

    forked(body)


def _mapped(address: int) -> int:
    """Bytes of the host's mapping at an address."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        start, end = (int(word, 16) for word in line.split()[0].split("-"))
        if start <= address < end:
            return end - start if start == address else -1
    return 0


def test_virtual_processor_that_was_caught_cannot_be_mapped() -> None:
    """Its page has the registers that the monitor goes by."""
    require("kvm")

    def body() -> None:
        with new_guest() as guest:
            device = os.open("/dev/kvm", os.O_RDWR)
            machine = fcntl.ioctl(device, KVM_CREATE_VM, 0)
            processor = fcntl.ioctl(machine, KVM_CREATE_VCPU, 0)
            assert guest.call("mmap", 0, PAGE, 3, 1, processor, 0) == -errno.ENODEV
            for fd in (processor, machine, device):
                os.close(fd)

    forked(body)
