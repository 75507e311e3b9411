"""A guest thread: one host thread with a vCPU of its own."""

from __future__ import annotations

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
    spurious: int = 0  # page faults in a row that should not have been

    def wait(self, number: int, a: Word = 0, b: Word = 0, c: Word = 0, d: Word = 0, e: Word = 0, f: Word = 0) -> int:
        """A host call that may block; -EINTR as soon as a signal is there that the guest thread does not block."""
        return _native.wait(self.mask, number, a, b, c, d, e, f)
