"""The time page over a clock that is made up, and over this machine's."""

from __future__ import annotations

import ctypes
import random
import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirt.vmm.vmi import abi
from wirt.vmm.vmi.clock import HostClock, Rate, Sample, tsc_is_trusted
from wirt.vmm.vmi.time_page import LONGEST_NS, TimePage

GHZ = 2.5
LAG = 3000  # ns between the two moments of a sample
NOISE = 40  # ns that a sample is wrong by, at most


@dataclass
class Simulated:
    """A machine whose monotonic clock runs ``ppm`` off its TSC; ``ahead`` are realtime, boottime and TAI."""

    ppm: float = 0.0
    tsc: int = 10**12
    monotonic: float = 1e12
    raw: float = 2e12
    ahead: tuple[int, int, int] = (10**18, 5000, 10**18 + 37 * 10**9)
    noise: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - not for secrets

    def run(self, ns: float) -> None:
        self.tsc += round(ns * GHZ)
        self.monotonic += ns * (1 + self.ppm / 1e6)
        self.raw += ns

    def cycles(self) -> int:
        return self.tsc

    def sample(self) -> Sample:
        def off() -> int:
            return self.noise.randint(-NOISE, NOISE)

        told = round(self.monotonic) + off(), round(self.raw) + off()
        raw_tsc = self.tsc - round(LAG * GHZ)
        return Sample(self.tsc, told[0], raw_tsc, told[1] - LAG, *(ahead + off() for ahead in self.ahead))


class Page:
    """Reads a time page as vdso.c does."""

    def __init__(self) -> None:
        self.memory = ctypes.create_string_buffer(abi.VMI_TIME_SIZE)
        self.address = ctypes.addressof(self.memory)

    def fields(self) -> tuple[int, ...]:
        return abi.VMI_TIME_FORMAT.unpack_from(self.memory.raw, abi.VMI_TIME_BODY)

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.memory.raw[abi.VMI_TIME_SEQUENCE : abi.VMI_TIME_BODY], "little")

    def monotonic(self, tsc: int) -> int | None:
        flags, begin, until, ns, mult, *_ = self.fields()
        usable = flags & abi.VMI_TIME_USABLE and self.sequence % 2 == 0 and tsc < until
        return ns + (max(0, tsc - begin) * mult >> abi.VMI_TIME_SHIFT) if usable else None


def test_page_is_usable_once_the_rate_has_been_measured_and_no_longer_than_it_was() -> None:
    machine, page = Simulated(), Page()
    clock = TimePage(machine)
    clock.attach(page.address)
    assert page.monotonic(machine.tsc) is None
    lengths = []
    for ns in (100_000, 100_000, 10_000_000, 10**9):
        machine.run(ns)
        clock.renew()
        assert page.monotonic(machine.tsc) is not None
        lengths.append(clock.holds_ns)
        assert page.monotonic(machine.tsc + round(clock.holds_ns * 1.01 * GHZ)) is None
    assert lengths == pytest.approx([100_000, 200_000, 10_200_000, LONGEST_NS], rel=0.01)


@given(
    st.lists(st.tuples(st.integers(1, 400_000_000), st.floats(-500, 500), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 1 << 32),
)
def test_monotonic_never_goes_back_and_stays_with_the_host(steps: list[tuple[int, float, bool]], seed: int) -> None:
    machine, page = Simulated(noise=random.Random(seed)), Page()  # noqa: S311
    clock = TimePage(machine)
    clock.attach(page.address)
    last = 0
    for ns, ppm, renewed in steps:
        machine.ppm = ppm
        for part in range(3):
            machine.run(ns / 3)
            told = page.monotonic(machine.tsc)
            if told is None or (renewed and part == 1):
                told = clock.read(1)
            assert told is not None
            assert told >= last
            last = told
            # NTP may turn from -500 to +500 ppm, and the page notices when it is renewed
            assert abs(told - machine.monotonic) < 10 * NOISE + 2 * LONGEST_NS / 1000


def test_clock_that_ran_ahead_is_slowed_until_the_host_has_caught_up() -> None:
    machine, page = Simulated(), Page()
    clock = TimePage(machine)
    clock.attach(page.address)
    machine.run(3e9)
    clock.renew()
    machine.ppm = -500
    machine.run(LONGEST_NS * 0.9)
    ahead = clock.read(1) - machine.monotonic  # type: ignore[operator]
    assert ahead > 50_000
    machine.ppm = 0
    clock.renew()
    for _ in range(3):
        machine.run(LONGEST_NS)
        clock.renew()
    assert abs(clock.read(1) - machine.monotonic) < ahead / 100  # type: ignore[operator]


def test_clocks_keep_their_rate_however_often_the_page_is_renewed() -> None:
    machine, page = Simulated(), Page()
    clock = TimePage(machine)
    clock.attach(page.address)
    for _ in range(5000):
        machine.run(2 * LAG)
        clock.renew()
    assert abs(clock.read(1) - machine.monotonic) < 10 * NOISE  # type: ignore[operator]
    assert abs(clock.read(4) - machine.raw) < 10 * NOISE  # type: ignore[operator]


def test_realtime_steps_with_the_host_and_is_not_shaken_by_the_error_of_measuring() -> None:
    machine, page = Simulated(), Page()
    clock = TimePage(machine)
    clock.attach(page.address)
    told = set()
    for _ in range(20):
        machine.run(1e7)
        clock.renew()
        told.add(page.fields()[7:10])
    assert len(told) == 1
    machine.ahead = (5 * 10**17, 5000, 5 * 10**17 + 37 * 10**9)
    clock.renew()
    realtime, boottime, tai = page.fields()[7:10]
    assert realtime == pytest.approx(5 * 10**17, abs=NOISE)
    assert boottime == pytest.approx(5000, abs=NOISE)
    assert tai - realtime == 37 * 10**9


@pytest.mark.parametrize("jump", [-(10**11), 10**11], ids=["back", "far ahead"])
def test_tsc_that_jumps_makes_the_page_unusable_until_it_is_known_again(jump: int) -> None:
    machine, page = Simulated(), Page()
    clock = TimePage(machine)
    clock.attach(page.address)
    machine.run(1e9)
    clock.renew()
    before = clock.read(1)
    machine.tsc += jump
    clock.renew()
    assert page.monotonic(machine.tsc) is None
    assert before is not None
    assert clock.read(1) >= before  # type: ignore[operator]
    for _ in range(50):  # what may have been told before the jump is waited for, at an eighth of the rate
        machine.run(1e8)
        clock.renew()
    assert page.monotonic(machine.tsc) == pytest.approx(machine.monotonic, abs=10 * NOISE)


def test_offset_of_the_guests_tsc_is_in_the_page_alone() -> None:
    machine, page = Simulated(), Page()
    clock = TimePage(machine)
    offset = -machine.tsc + 5  # a guest whose TSC began when its VM did
    clock.attach(page.address, tsc_offset=offset)
    machine.run(1e9)
    clock.renew()
    assert page.fields()[1] == machine.tsc + offset
    assert page.monotonic(machine.tsc + offset) == clock.read(1)


def test_page_moves_with_its_process_and_leaves_the_old_place_alone() -> None:
    machine, old, new = Simulated(), Page(), Page()
    clock = TimePage(machine)
    clock.attach(old.address)
    machine.run(1e9)
    clock.renew()
    left = old.memory.raw
    machine.run(1e6)
    clock.attach(new.address)
    assert old.memory.raw == left
    assert new.monotonic(machine.tsc) == pytest.approx(machine.monotonic, abs=10 * NOISE)
    assert new.memory.raw[:8] == left[:8]


def test_clocks_that_the_page_does_not_tell_are_left_to_the_host() -> None:
    clock = TimePage(Simulated())
    assert [clock.read(number) is None for number in range(12)] == [number in (2, 3, 8, 9, 10) for number in range(12)]


def test_rate_follows_the_clock_within_seconds() -> None:
    rate = Rate(0, 0)
    told = [rate.add(round(at * GHZ), at) for at in range(10**8, 10**10, 10**8)]
    assert told[-1] / 2**32 == pytest.approx(1 / GHZ, rel=1e-9)
    slower = [rate.add(round(10**10 * GHZ + at * GHZ * 1.0001), 10**10 + at) for at in range(10**8, 10**10, 10**8)]
    assert slower[-1] / 2**32 == pytest.approx(1 / GHZ / 1.0001, rel=1e-9)


@pytest.mark.skipif(not tsc_is_trusted(), reason="this machine does not keep its time by the TSC")
def test_page_of_this_machine_is_within_microseconds_and_never_goes_back_between_threads() -> None:
    """One thread renews all the time, the worst case, while another reads."""
    page, source = Page(), HostClock()
    clock = TimePage()
    clock.attach(page.address)
    ended = threading.Event()

    def renew() -> None:
        while not ended.is_set():
            clock.renew()

    renewing = threading.Thread(target=renew)
    renewing.start()
    last, wrong = 0, []
    try:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            before, told, after = time.monotonic_ns(), clock.read(1), time.monotonic_ns()
            assert told is not None
            assert told >= last
            last = told
            wrong.append(max(0, before - told, told - after))
    finally:
        ended.set()
        renewing.join()
    assert sorted(wrong)[len(wrong) * 99 // 100] < 5_000
    assert source.cycles() < source.cycles()


def test_page_is_never_usable_where_the_tsc_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wirt.vmm.vmi.time_page.tsc_is_trusted", lambda: False)
    page, clock = Page(), TimePage()
    clock.attach(page.address)
    clock.renew()
    assert page.monotonic(0) is None
    assert clock.read(1) is None
