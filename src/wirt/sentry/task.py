"""A guest thread: one host thread with a vCPU of its own."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wirt.host import _native

if TYPE_CHECKING:
    from wirt.sentry.mm import AddressSpace
    from wirt.sentry.process import Process
    from wirt.vmm.platform import Vcpu

__all__ = ["AltStack", "Task"]

Word = int | bytes | bytearray  # as _native takes them: bytes stand for their address

_SS_DISABLE = 2
_TIMESPEC = struct.Struct("<qq")
_SECOND = 1_000_000_000
_AGES = 1 << 33  # seconds: more than a clock of the kernel's can hold


@dataclass(slots=True)
class AltStack:
    """sigaltstack(2)."""

    base: int = 0
    flags: int = _SS_DISABLE
    size: int = 0


@dataclass(slots=True, eq=False)
class Task:
    """Belongs to its own host thread. ``mask``: the signals it blocks, bit n-1 is signal n."""

    process: Process
    mm: AddressSpace
    vcpu: Vcpu
    tid: int
    mask: int = 0
    saved_mask: int | None = None  # to be restored when the signal that ends sigsuspend and its like was delivered
    altstack: AltStack = field(default_factory=AltStack)
    clear_child_tid: int = 0
    robust_list: int = 0
    spurious: int = 0  # page faults in a row on what is mapped and not shown
    again: tuple[int, tuple[int, ...]] | None = None  # the call that is made again, as it was kicked
    until: int = 0  # when the latest ``span`` ends: CLOCK_MONOTONIC, nanoseconds

    def wait(self, number: int, a: Word = 0, b: Word = 0, c: Word = 0, d: Word = 0, e: Word = 0, f: Word = 0) -> int:
        """A host call that may block; -EINTR as soon as a signal is there that the guest thread does not block."""
        return _native.wait(self.mask, number, a, b, c, d, e, f)

    def span(self, nanoseconds: int) -> int:
        """How long the call that is being made may wait: as long as it says, or what a kick has left of that."""
        now = time.monotonic_ns()
        if self.again != (self.vcpu.number, self.vcpu.args):
            self.until = now + nanoseconds
        self.again = None
        return max(self.until - now, 0)

    def timespec(self, raw: bytes | bytearray) -> bytes:
        """``span`` for a struct timespec; one that is none remains what it is, and is the host's to refuse."""
        seconds, rest = _TIMESPEC.unpack(raw)
        if seconds < 0 or not 0 <= rest < _SECOND:
            return bytes(raw)
        return _TIMESPEC.pack(*divmod(self.span(min(seconds, _AGES) * _SECOND + rest), _SECOND))
