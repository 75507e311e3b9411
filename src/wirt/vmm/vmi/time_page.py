"""The time page: how the vDSO of a guest turns its TSC into the host's clocks.

It is valid for a short while, at most a quarter of a second, and for no longer than the rate of the TSC has been
measured. Afterwards the vDSO makes the system call, whose handler asks ``TimePage.read``, and that renews the page.
So a guest that does not look at the clock costs nothing, and one that does costs four exits a second.

What is told never goes back: a renewed page begins where the old one ended, or would have, and where that is ahead of
the host, it runs slower until both meet.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass

from wirt.vmm.vmi import abi
from wirt.vmm.vmi.clock import COARSE_NS, HostClock, Rate, Sample, Source, tsc_is_trusted

__all__ = ["LONGEST_NS", "TimePage"]

LONGEST_NS = 250_000_000
_SHORTEST_NS = 50_000
_SLOWER = 8  # at most an eighth of the rate goes into waiting for the host
_STEP_NS = 1000  # a distance that differs by less has not changed: it is the error of measuring
_SECOND = 1_000_000_000
_WORD = 1 << 64

_REALTIME, _MONOTONIC, _RAW, _REALTIME_COARSE, _MONOTONIC_COARSE, _BOOTTIME, _TAI = 0, 1, 4, 5, 6, 7, 11


@dataclass(slots=True)
class _Line:
    """A clock over the TSC, ns at ``tsc`` and ns per cycle in 1 / 2**VMI_TIME_SHIFT, with how it was measured."""

    rate: Rate
    tsc: int
    ns: int
    mult: int = 0

    def at(self, tsc: int) -> int:
        return self.ns + (max(0, tsc - self.tsc) * self.mult >> abi.VMI_TIME_SHIFT)

    def lead(self, pair: tuple[int, int], tsc: int, told: int) -> None:
        """On from ``tsc``, given what the host said at ``pair`` (tsc, ns) shortly before, and not below ``told``.

        It meets the host's clock again by the time it has grown old.
        """
        rate = self.rate.add(*pair)
        host = pair[1] + ((tsc - pair[0]) * rate >> abi.VMI_TIME_SHIFT)
        self.tsc, self.ns = tsc, max(host, told)
        ahead = self.ns - host
        self.mult = rate - min(rate * ahead // max(self.validity, 1), rate // _SLOWER)

    @property
    def validity(self) -> int:
        """ns that the rate is good for."""
        return min(LONGEST_NS, self.rate.age)


class TimePage:
    """The clocks of one guest process, and the page that tells them once it is attached. Thread-safe."""

    def __init__(self, source: Source | None = None) -> None:
        """Without ``source`` this machine's clocks, if the machine itself trusts its TSC."""
        self._source = source or (HostClock() if tsc_is_trusted() else None)
        self._lock = threading.Lock()
        self._address = self._offset = self._until = 0
        if self._source is not None:
            self._begin(self._source.sample())

    def attach(self, address: int, *, tsc_offset: int = 0) -> None:
        """From now on the page is at this host address, in a guest whose TSC is that much ahead of the host's.

        A child attaches its own after a fork, and a process after execve; the old place is not touched again.
        """
        self._lock = threading.Lock()  # in a child the old one may be held by a thread that it does not have
        self._address, self._offset = address, tsc_offset
        head = abi.VMI_MAGIC.to_bytes(4, "little") + abi.VMI_VERSION.to_bytes(4, "little")
        ctypes.memmove(address, head.ljust(abi.VMI_TIME_SIZE, b"\0"), abi.VMI_TIME_SIZE)
        self.renew()

    def renew(self) -> None:
        """Measure again, and tell."""
        if self._source is not None:
            with self._lock:
                self._renew(self._source)

    def read(self, clock: int) -> int | None:
        """ns of a Linux clock as the page tells them, renewed if it is old; None for clocks that it does not tell.

        For clock_gettime(2) and its like, which a program may mix with the vDSO.
        """
        if self._source is None:
            return None
        with self._lock:
            now = self._source.cycles()
            if now >= self._until:
                now = self._renew(self._source)
            return self._told(clock, now)

    @property
    def holds_ns(self) -> int:
        """How long the page is good for after it was last renewed; 0: it tells nothing."""
        if self._source is None or self._until <= self._monotonic.tsc:
            return 0
        return (self._until - self._monotonic.tsc) * self._monotonic.mult >> abi.VMI_TIME_SHIFT

    def _begin(self, sample: Sample) -> None:
        self._monotonic = _Line(Rate(sample.tsc, sample.monotonic), sample.tsc, sample.monotonic)
        self._raw = _Line(Rate(sample.raw_tsc, sample.raw), sample.raw_tsc, sample.raw)
        self._realtime, self._boottime = sample.realtime, sample.boottime
        self._leap = _leap(sample)

    def _renew(self, source: Source) -> int:
        """With the sequence odd from before the clocks are read: whoever read the TSC later reads the new page.

        Returns the TSC of the sample.
        """
        sequence = ctypes.c_uint32.from_address(self._address + abi.VMI_TIME_SEQUENCE) if self._address else None
        if sequence is not None:
            sequence.value |= 1
        sample = source.sample()
        self._learn(sample)
        if sequence is not None:
            body = self._body()
            ctypes.memmove(self._address + abi.VMI_TIME_BODY, body, len(body))
            sequence.value += 1
        return sample.tsc

    def _learn(self, sample: Sample) -> None:
        last = min(sample.tsc, self._until)  # what the old page may have told at the most
        self._monotonic.lead((sample.tsc, sample.monotonic), sample.tsc, self._monotonic.at(last))
        self._raw.lead((sample.raw_tsc, sample.raw), sample.tsc, self._raw.at(last))
        self._until = sample.tsc + self._validity()
        if abs(sample.realtime - self._realtime) >= _STEP_NS:
            self._realtime = sample.realtime
        if abs(sample.boottime - self._boottime) >= _STEP_NS:
            self._boottime = sample.boottime
        self._leap = _leap(sample)

    def _validity(self) -> int:
        """In cycles; 0 while the page cannot be used."""
        ns = min(self._monotonic.validity, self._raw.validity)
        if ns < _SHORTEST_NS or not self._monotonic.mult or not self._raw.mult:
            return 0
        return (ns << abi.VMI_TIME_SHIFT) // self._monotonic.mult

    def _body(self) -> bytes:
        now, raw = self._monotonic, self._raw
        usable = abi.VMI_TIME_USABLE if self.holds_ns else 0
        counts = ((count + self._offset) % _WORD for count in (now.tsc, self._until))
        ahead = (self._realtime, self._boottime, self._realtime + self._leap)
        return abi.VMI_TIME_FORMAT.pack(usable, *counts, now.ns, now.mult, raw.ns, raw.mult, *ahead, COARSE_NS)

    def _told(self, clock: int, tsc: int) -> int | None:
        if clock == _RAW:
            return self._raw.at(tsc)
        ahead = {
            _MONOTONIC: 0,
            _REALTIME: self._realtime,
            _BOOTTIME: self._boottime,
            _TAI: self._realtime + self._leap,
            _MONOTONIC_COARSE: -COARSE_NS,
            _REALTIME_COARSE: self._realtime - COARSE_NS,
        }.get(clock)
        return None if ahead is None else self._monotonic.at(tsc) + ahead


def _leap(sample: Sample) -> int:
    """What TAI is ahead of UTC: whole seconds."""
    return round((sample.tai - sample.realtime) / _SECOND) * _SECOND
