"""A guest that lies: whatever it passes, it gets an errno, and neither sees nor changes what is the monitor's."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import signal
import socket
import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.cage import NOBODY, caged
from framework.forked import forked
from framework.guest_space import Guest
from framework.guest_space import guest as new_guest
from wirt.abi.linux.ioctls import FICLONE, FICLONERANGE, REQUESTS, SIOCGIFCONF, TIOCGPTPEER
from wirt.host import _native
from wirt.sentry import messages
from wirt.sentry.buffers import MAX_COUNT, vector
from wirt.sentry.syscalls import (
    attributes,
    directories,
    events,
    files,
    futex,
    identity,
    ipc,
    limits,
    locks,
    memory,
    paths,
    pipes,
    poll,
    process_vm,
    scheduling,
    segments,
    signals,
    sockets,
    system,
    time,
    tty,
    vmi,
)
from wirt.sentry.table import Call, collect

SECRET = b"the monitor's own secret, seventeen times over; " * 17
MONITORS = 8300
MODULES = (attributes, directories, events, files, locks, paths, pipes, poll, sockets, tty)
# Calls about memory, threads, clocks and the guest as a whole.
OTHERS = (futex, identity, ipc, limits, memory, process_vm, scheduling, segments, signals, system, time, vmi)
HARMFUL = {
    *("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "vmi_exit"),  # end the test
    *("setitimer", "alarm", "timer_create", "setrlimit", "prlimit64"),  # stop what ends waits, end the test
    *("rt_sigreturn", "sigaltstack"),  # want a processor
    *("munmap", "mremap", "brk", "mmap", "mprotect", "madvise", "vmi_memory_give"),  # take away what the test writes to
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid"),  # tell a processor
    *("capset", "setfsuid", "setfsgid"),
}
LEFT_OUT = {"sync", "syncfs", "pidfd_send_signal"}  # the first two take long, the last would end the test
NAMES = (b"file", b"none", b"folder", b"loop", b"", b"/proc/self/status", b"/proc/self/fd/4", b"/proc/self/cwd/file",
         b"/sys/kernel", b"/proc/self/fd", b"a" * 300, b"folder/../file", b"/proc/self/exe", b"/dev/fd/5")  # fmt: skip
NUMBERS = (0, 1, 2, 3, 4, 8, 12, 16, 32, 56, 64, 100, 255, 4096, 65536, 1 << 20, 1 << 31, 1 << 32, 1 << 62, 1 << 63,
           (1 << 64) - 1, (1 << 64) - 100, 0o100, 0o2000000, 0x1000, 0x40000000)  # fmt: skip


class _Liar:
    """Picks the words of calls: descriptors, addresses of all kinds, numbers."""

    def __init__(self, guest: Guest, seed: int, secret: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - to be found again
        self.guest = guest
        self.names = [guest.put(name) for name in NAMES]
        self.structures = guest.room(1 << 14)
        self.fds = [*_descriptors(guest), MONITORS, -1, -100, 7000, 1 << 31]
        self.requests = [*REQUESTS, SIOCGIFCONF, FICLONE, FICLONERANGE, TIOCGPTPEER]
        self.bad = [guest.hole(), guest.hole() - 5, secret, guest.mm.memory.base, secret + 64, 0, 0xFFFF_8000_0000_0000]

    def address(self) -> int:
        kind = self.random.random()
        if kind < 0.5:
            return self.structures + self.random.randrange(1 << 13)
        return self.random.choice(self.names if kind < 0.75 else self.bad)

    def word(self) -> int:
        kind = self.random.random()
        if kind < 0.35:
            return self.random.choice(self.fds)
        return self.address() if kind < 0.7 else self.random.choice(NUMBERS)

    def lie(self) -> None:
        """Fill the structures anew, with words like those of the calls."""
        words = [self.word() & (1 << 64) - 1 for _ in range(1 << 10)]
        self.guest.mm.write(self.structures, struct.pack(f"<{len(words)}Q", *words))

    def words(self, call: Call) -> list[int]:
        pick = {"fd": self.fds, "at": self.fds}
        chosen = []
        for kind in call.arguments.split():
            if kind in pick:
                chosen.append(self.random.choice(pick[kind]))
            elif kind in ("ptr", "buf", "out"):
                chosen.append(self.address())
            else:
                chosen.append(self.random.choice(self.names) if kind == "path" else self.word())
        if call.name == "ioctl":
            chosen[1] = self.random.choice(self.requests)
        elif call.name == "fcntl":
            chosen[1] = self.random.randrange(40) + self.random.choice((0, 1024))
        return chosen


def _descriptors(guest: Guest) -> list[int]:
    """One of each kind."""
    one, other = socket.socketpair()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return [
        guest.open("file", os.O_RDWR | os.O_CREAT),
        guest.open("/proc"),
        guest.open("folder", os.O_DIRECTORY),
        *os.pipe(),
        guest.open("/pts/ptmx", os.O_RDWR | os.O_NOCTTY),
        one.detach(),
        other.detach(),
        udp.detach(),
        guest.must("eventfd2", 1, 0),
        guest.must("epoll_create1", 0),
        guest.must("inotify_init1", 0),
        guest.must("timerfd_create", 1, 0),
        guest.must("memfd_create", guest.put(b"x"), 0),
    ]


@contextmanager
def _never_long() -> Iterator[None]:
    """Calls that wait are interrupted after two milliseconds."""
    real = _native.wait
    taken = (1 << signal.SIGALRM - 1).to_bytes(8, "little")

    def wait(mask: int, number: int, *words: int | bytes | bytearray) -> int:
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        result = real(mask & ~(1 << signal.SIGALRM - 1), number, *words)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _native.quick(128, taken, 0, bytes(16), 8)  # rt_sigtimedwait(2)
        return result

    _native.wait = wait
    try:
        yield
    finally:
        _native.wait = real


@pytest.mark.root
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("modules", "but"), [(MODULES, LEFT_OUT), (OTHERS, HARMFUL)], ids=["files", "others"])
def test_nothing_of_the_monitors_is_reached(modules: tuple[ModuleType, ...], but: set[str], seed: int) -> None:
    """In a cage: the calls do what they say, to whatever they find."""

    def body(procfs: int) -> None:
        assert os.geteuid() == NOBODY
        Path("folder").mkdir()
        Path("loop").symlink_to("loop")
        _native.own_signals()
        secret = ctypes.create_string_buffer(SECRET)
        hidden = os.memfd_create("hidden")
        os.write(hidden, SECRET)
        os.dup2(hidden, MONITORS)
        os.close(hidden)
        calls = [call for module in modules for call in module.CALLS if call.name not in but]
        with new_guest(procfs=procfs) as guest, _never_long():
            liar = _Liar(guest, seed, ctypes.addressof(secret))
            for index in range(2500):
                if index % 10 == 0:
                    liar.lie()
                call = liar.random.choice(calls)
                result = guest.call(call.name, *liar.words(call))
                assert result >= -4095, call.name
            assert secret.raw[:-1] == SECRET
            assert SECRET[:32] not in guest.mm.read(guest.base, guest.SIZE)
            assert os.pread(MONITORS, 1 << 20, 0) == SECRET
            os._exit(0)

    collect()  # nothing can be imported in a cage
    caged(body)


# -- decoding --------------------------------------------------------------------------------------

WORDS = st.one_of(st.sampled_from(NUMBERS), st.integers(0, (1 << 64) - 1), st.integers(0, 1 << 20))


@pytest.fixture(scope="module")
def shared() -> Iterator[Guest]:
    with new_guest() as found:
        yield found


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(st.tuples(WORDS, st.booleans(), WORDS), max_size=40), write=st.booleans(), whole=st.booleans())
def test_vectors_hold_guest_memory_alone(
    shared: Guest, parts: list[tuple[int, bool, int]], write: bool, whole: bool
) -> None:
    pairs = [(shared.base + base % (2 << 20) if inside else base, size) for base, inside, size in parts]
    shared._free = shared.base
    where = shared.vector(*pairs)
    try:
        packed, count = vector(shared.mm, where, len(pairs), write=write, whole=whole)
    except OSError as error:
        assert error.errno
        return
    found = list(struct.iter_unpack("<QQ", packed))
    low = shared.mm.host(shared.base, 1)
    assert len(found) == count
    assert sum(size for _, size in found) <= MAX_COUNT
    assert all(low <= address and address + size <= low + shared.SIZE for address, size in found)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_control_data_is_walked_within_its_bounds(data: bytes) -> None:
    assert all(16 <= at <= len(data) - 4 for _, _, at in messages.passed(data))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 2, 41]), st.sampled_from([1, 2, 4]), st.lists(st.integers(0, 1 << 31)))))
def test_control_data_gives_up_every_descriptor(parts: list[tuple[int, int, list[int]]]) -> None:
    control = b""
    expected = []
    for level, kind, numbers in parts:
        data = struct.pack(f"<{len(numbers)}I", *numbers)
        message = struct.pack("<Qii", 16 + len(data), level, kind) + data
        control += message + bytes(-len(message) % 8)
        if level == 1 and kind in (1, 4):
            expected += numbers
    assert [int.from_bytes(control[at : at + 4], "little") for _, _, at in messages.passed(control)] == expected


# -- memory ----------------------------------------------------------------------------------------


def test_residency_of_what_was_never_there_takes_no_memory(shared: Guest) -> None:
    """64 TiB of nothing have 16 GiB of answers."""
    reserved = shared.must("mmap", 0, 1 << 46, 0, 0x4022, (1 << 64) - 1, 0)
    tracemalloc.start()
    try:
        assert shared.call("mincore", reserved, 1 << 46, shared.base) == -errno.EFAULT
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
        shared.must("munmap", reserved, 1 << 46)


@pytest.mark.parametrize("seed", range(3))
def test_mappings_stay_in_order_whatever_is_asked_of_them(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - to be found again
    calls = ("mmap", "mmap", "munmap", "mprotect", "mremap", "madvise", "mincore", "msync", "brk", "vmi_memory_give")
    odd = (0, 1, 4096, 1 << 20, 1 << 46, (1 << 64) - 4096, (1 << 64) - 1, 0x7FFF_FFFF_F000)

    def body() -> None:
        with new_guest() as guest:
            file = guest.must("memfd_create", guest.put(b"x"), 0)
            guest.must("ftruncate", file, 1 << 16)
            start = guest.must("mmap", 0, 1 << 24, 3, 0x22, (1 << 64) - 1, 0)
            for _ in range(1500):
                words = [_memory_word(dice, start, odd, file) for _ in range(6)]
                if (name := dice.choice(calls)) == "mmap":
                    words[3] = dice.choice((1, 2, 0x22, 0x21, 0x32, 0x31, 0x12, 0x11, 0x100022, 0x62, 0x122))
                arity = next(call.arity for call in collect().values() if call.name == name)
                assert guest.call(name, *words[:arity]) >= -4095 or name in ("mmap", "mremap", "brk")
                ends = [(vma.start, vma.end) for vma in guest.mm.vmas]
                assert all(first < last for first, last in ends)
                assert all(one[1] <= other[0] for one, other in pairwise(ends))

    forked(body)


def _memory_word(dice: random.Random, start: int, odd: tuple[int, ...], file: int) -> int:
    """Mostly pages of a few mappings, and small numbers."""
    kind = dice.random()
    if kind < 0.5:
        return start + dice.randrange(1 << 12) * 4096
    if kind < 0.9:
        return dice.choice((file, 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 18, 23, 4096 * dice.randrange(1, 64)))
    return dice.choice(odd)
