"""The vDSO, called in this process over a time page of ours: the host's own clocks are the oracle."""

from __future__ import annotations

import ctypes
import errno
import mmap
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from wirt.vmm.vmi import abi
from wirt.vmm.vmi.build import HERE
from wirt.vmm.vmi.clock import COARSE_NS, tsc_is_trusted
from wirt.vmm.vmi.library import library
from wirt.vmm.vmi.time_page import TimePage

CLOCKS = {"realtime": 0, "monotonic": 1, "raw": 4, "boottime": 7, "tai": 11}
FIELDS = ("flags", "tsc", "tsc_until", "monotonic")
COARSE = {"realtime": 5, "monotonic": 6}
LISTED = subprocess.run(
    ["readelf", "-W", "-l", "-r", "--dyn-syms", HERE / "vdso.so"], check=True, capture_output=True, text=True
).stdout

needs_tsc = pytest.mark.skipif(not tsc_is_trusted(), reason="this machine does not keep its time by the TSC")


class Vdso:
    """The time page, and the vDSO above it, as a guest has them."""

    def __init__(self) -> None:
        image = library().vdso
        self.memory = mmap.mmap(-1, abi.PAGE + len(image), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.memory[abi.PAGE :] = image
        self.page = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        rows = [line.split() for line in LISTED.splitlines()]
        self.symbols = {row[7].partition("@")[0]: int(row[1], 16) for row in rows if len(row) == 8 and row[3] == "FUNC"}

    def call(self, name: str, *arguments: object) -> int:
        function = ctypes.PYFUNCTYPE(ctypes.c_long)(self.page + abi.PAGE + self.symbols[name])
        function.argtypes = tuple(ctypes.c_void_p if hasattr(a, "_type_") else ctypes.c_ulong for a in arguments)
        return int(function(*(ctypes.addressof(a) if hasattr(a, "_type_") else a for a in arguments)))  # type: ignore[arg-type]

    def ns(self, clock: int, name: str = "__vdso_clock_gettime") -> int:
        spec = (ctypes.c_int64 * 2)()
        assert self.call(name, clock, spec) & 0xFFFF_FFFF == 0
        assert 0 <= spec[1] < 10**9
        return int(spec[0]) * 10**9 + int(spec[1])

    def fields(self) -> dict[str, int]:
        return dict(zip(FIELDS, abi.VMI_TIME_FORMAT.unpack_from(self.memory, abi.VMI_TIME_BODY), strict=False))

    def change(self, **fields: int) -> None:
        values = self.fields() | fields
        head = struct.pack("<IQQQ", *(values[name] for name in FIELDS))
        self.memory[abi.VMI_TIME_BODY : abi.VMI_TIME_BODY + len(head)] = head


@pytest.fixture
def vdso() -> Vdso:
    return Vdso()


@pytest.fixture
def running(vdso: Vdso) -> Vdso:
    """With a page that can be used, and holds for a while."""
    page = TimePage()
    page.attach(vdso.page)
    while not page.holds_ns > 20_000_000:
        page.renew()
    return vdso


@needs_tsc
@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
def test_vdso_tells_the_hosts_clock(running: Vdso, clock: int) -> None:
    distances = []
    for _ in range(50):
        before, told, after = time.clock_gettime_ns(clock), running.ns(clock), time.clock_gettime_ns(clock)
        distances.append(max(0, before - told, told - after))
    assert min(distances) < 5_000
    assert max(distances) < 100_000


@needs_tsc
@pytest.mark.parametrize("clock", COARSE)
def test_vdso_coarse_clocks_lag_by_ticks_and_are_never_ahead_of_the_exact_ones(running: Vdso, clock: str) -> None:
    before = time.clock_gettime_ns(COARSE[clock])  # a tick that comes late makes it older than a tick
    told, exact = running.ns(COARSE[clock]), time.clock_gettime_ns(CLOCKS[clock])
    assert before - 2 * COARSE_NS < told <= exact + 1000


@needs_tsc
def test_vdso_other_functions_agree_with_the_clocks(running: Vdso) -> None:
    value, second = (ctypes.c_int64 * 2)(), ctypes.c_int64()
    assert running.call("__vdso_gettimeofday", value, 0) & 0xFFFF_FFFF == 0
    now = time.time_ns()
    assert abs(value[0] * 10**6 + value[1] - now // 1000) < 1000
    told = running.call("__vdso_time", second)
    assert told == second.value
    assert told == running.call("__vdso_time", 0)
    assert told in (now // 10**9, (now - COARSE_NS) // 10**9)
    for clock, ns in ((0, 1), (1, 1), (4, 1), (5, COARSE_NS), (6, COARSE_NS), (7, 1)):
        assert running.ns(clock, "__vdso_clock_getres") == ns
    assert running.call("__vdso_clock_getres", 1, 0) & 0xFFFF_FFFF == 0


def test_vdso_makes_the_system_call_for_what_the_page_does_not_tell(vdso: Vdso) -> None:
    for clock in (0, 1, 2, 3, 7):  # 2 and 3: the CPU time of the process and of the thread
        assert vdso.ns(clock) <= time.clock_gettime_ns(clock) <= vdso.ns(clock)
    spec, zone = (ctypes.c_int64 * 2)(), (ctypes.c_int64 * 1)(-1)
    assert vdso.call("__vdso_clock_gettime", 99, spec) & 0xFFFF_FFFF == (-errno.EINVAL) & 0xFFFF_FFFF
    assert vdso.call("__vdso_gettimeofday", spec, zone) & 0xFFFF_FFFF == 0
    assert zone[0] == 0
    assert abs(vdso.call("__vdso_time", 0) - time.time()) < 2
    cpu = ctypes.c_uint32(99)
    assert vdso.call("__vdso_getcpu", cpu, 0, 0) == 0
    assert cpu.value != 99


def being_changed(vdso: Vdso) -> None:
    vdso.memory[abi.VMI_TIME_SEQUENCE] |= 1


def not_usable(vdso: Vdso) -> None:
    vdso.change(flags=0)


def too_old(vdso: Vdso) -> None:
    vdso.change(tsc_until=vdso.fields()["tsc"])


def of_another_tsc(vdso: Vdso) -> None:
    vdso.change(tsc=1 << 62, tsc_until=(1 << 62) + 10**9)


@needs_tsc
@pytest.mark.parametrize("spoil", [being_changed, not_usable, too_old, of_another_tsc])
def test_vdso_uses_no_page_that_is(running: Vdso, spoil: Callable[[Vdso], None]) -> None:
    far = 10**18  # ns: what the page says is nonsense from here on
    running.change(monotonic=far)
    assert running.ns(1) >= far
    spoil(running)
    assert running.ns(1) < far


def test_vdso_vmi_calls_reach_the_kernel_which_knows_none_here(vdso: Vdso) -> None:
    for nth in range(abi.VMI_CALL_END - abi.VMI_CALL_BASE):
        assert vdso.call("__wirt_vmi", nth, 0, 0, 0) == -errno.ENOSYS
    assert vdso.call("__wirt_vmi", abi.VMI_CALL_END - abi.VMI_CALL_BASE, 0, 0, 0) == -errno.EINVAL


def test_vdso_is_one_segment_without_relocations_and_never_writable() -> None:
    assert "There are no relocations" in LISTED
    (segment,) = (line.split() for line in LISTED.splitlines() if line.startswith("  LOAD"))
    assert segment[1:4] == ["0x000000", "0x0000000000000000", "0x0000000000000000"]
    assert segment[6:8] == ["R", "E"]


def test_vdso_serves_a_c_library_and_an_unwinder(tmp_path: Path) -> None:
    program = tmp_path / "user"
    source = Path(__file__).with_name("vdso_user.c")
    subprocess.run(["gcc", "-O1", "-rdynamic", "-fno-omit-frame-pointer", "-o", program, source], check=True)
    ended = subprocess.run([program, HERE / "vdso.so"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "ok\n")
