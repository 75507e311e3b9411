"""The host's clocks beside its TSC, and how fast the one runs against the other."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from wirt.vmm.vmi import abi

__all__ = ["COARSE_NS", "HostClock", "Rate", "Sample", "Source", "tsc_is_trusted"]

COARSE_NS = round(time.clock_getres(getattr(time, "CLOCK_MONOTONIC_COARSE", 6)) * 1e9)
"""How far the host's coarse clocks may lag behind: a tick."""

_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_WINDOW_NS = 2_000_000_000
_JUMP = 1000  # ppm that no clock changes its rate by: NTP stays within 500
_ERROR_NS = 500  # of a pair, at worst
_SAMPLER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sample.so")


@dataclass(frozen=True, slots=True)
class Sample:
    """Clocks at two moments of the TSC, in ns; the last three are ns that a clock is ahead of the monotonic one."""

    tsc: int
    monotonic: int
    raw_tsc: int
    raw: int
    realtime: int
    boottime: int
    tai: int


class Source(Protocol):
    """Where samples come from."""

    def cycles(self) -> int:
        """The TSC now."""

    def sample(self) -> Sample:
        """The clocks now."""


class _Struct(ctypes.Structure):
    """struct sample of sample.c, 56 bytes."""

    _fields_ = (
        ("tsc", ctypes.c_uint64),
        ("monotonic", ctypes.c_int64),
        ("raw_tsc", ctypes.c_uint64),
        *((name, ctypes.c_int64) for name in ("raw", "realtime", "boottime", "tai")),
    )


@cache
def _sampler() -> ctypes.PyDLL:
    """The interpreter's lock is kept meanwhile: it takes two microseconds."""
    sampler = ctypes.PyDLL(_SAMPLER)
    sampler.wirt_sample.restype = None
    sampler.wirt_cycles.restype = ctypes.c_uint64
    return sampler


class HostClock:
    """This machine's."""

    __slots__ = ("_cycles", "_into", "_sample")

    def __init__(self) -> None:
        """Raises OSError when sample.so was not built."""
        self._sample, self._cycles, self._into = _sampler().wirt_sample, _sampler().wirt_cycles, _Struct()

    def cycles(self) -> int:
        """The TSC now."""
        return int(self._cycles())

    def sample(self) -> Sample:
        """A few tries are made for each clock, and the least disturbed counts: some tens of ns exact."""
        into = self._into
        self._sample(ctypes.byref(into))
        return Sample(into.tsc, into.monotonic, into.raw_tsc, into.raw, into.realtime, into.boottime, into.tai)


def tsc_is_trusted() -> bool:
    """Whether the host itself keeps its time by the TSC: one rate, and the same on every CPU."""
    try:
        with open(_SOURCE, encoding="ascii") as source:
            return source.read().strip() == "tsc"
    except OSError:
        return False


class Rate:
    """Nanoseconds per cycle, in 1 / 2**VMI_TIME_SHIFT, from (cycles, ns) pairs that come now and then.

    Measured from a pair that is two to four seconds old, so that it follows NTP's changes; after a rest or at the
    beginning from what there is. ``age`` (ns) says how long that is: a rate is good for about as long again.
    """

    __slots__ = ("_newer", "_older", "_value", "age")

    def __init__(self, cycles: int, ns: int) -> None:
        self._older = self._newer = (cycles, ns)
        self._value = self.age = 0

    def add(self, cycles: int, ns: int) -> int:
        """Learn from one more pair. 0 while there is no telling: at first, and after the count was disturbed."""
        passed, self.age = cycles - self._older[0], ns - self._older[1]
        value = (self.age << abi.VMI_TIME_SHIFT) // passed if passed > 0 else 0
        if value <= 0 or (self._value and self._is_odd(value)):
            self._forget(cycles, ns)
            return 0
        self._value = value
        if ns - self._newer[1] > _WINDOW_NS:
            self._older, self._newer = self._newer, (cycles, ns)
        return value

    def _is_odd(self, value: int) -> bool:
        ppm = _JUMP + _ERROR_NS * 1_000_000 // self.age
        return abs(value - self._value) * 1_000_000 > self._value * ppm

    def _forget(self, cycles: int, ns: int) -> None:
        self._older = self._newer = (cycles, ns)
        self._value = self.age = 0
