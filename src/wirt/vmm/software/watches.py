"""Code that may change without the emulated processor's doing: memory that is shared, and may be written elsewhere.

QEMU notices who writes code where it is executed. A JIT compiler that writes through one mapping of a file and executes
through another, or in another process, changes code unseen. So where shared memory is executable, each block of code is
compared, before it runs, with what it was when it was translated.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Callable

from wirt.abi.linux import mman
from wirt.host import _native
from wirt.vmm.layout import PAGE, GuestPhys
from wirt.vmm.memory import GuestMemory

__all__ = ["Watches"]

_MOST = 64
_WATCH = struct.Struct("<5Q")  # struct watch of _native.c
_PRIVATE = mman.MAP_PRIVATE | mman.MAP_ANONYMOUS | mman.MAP_NORESERVE

Hook = Callable[[int, int, int], Callable[[], None]]  # data, first and last address; gives what removes it


class _Watch:
    __slots__ = ("_copy", "_now", "_then", "data", "size", "unhook", "va")

    def __init__(self, emulator: int, va: int, size: int, now: int) -> None:
        self.va, self.size = va, size
        self._now, self._copy = now, mmap.mmap(-1, size, flags=_PRIVATE)
        self._then = ctypes.addressof(ctypes.c_char.from_buffer(self._copy))
        self.data = _WATCH.pack(emulator, va, size, self._then, now)
        self.unhook: Callable[[], None] = lambda: None

    def catch_up(self, start: int, end: int) -> None:
        """What is there now is what will be translated."""
        at, stop = max(start - self.va, 0), min(end - self.va, self.size)
        if at < stop:
            _native.poke(self._then + at, _native.peek_safe(self._now + at, stop - at))


class Watches:
    """``hook`` has blocks of code in a range looked at, by the function for watched ones."""

    def __init__(self, memory: GuestMemory, emulator: int, hook: Hook) -> None:
        self._memory, self._emulator, self._hook = memory, emulator, hook
        self._watches: dict[tuple[int, int, int], _Watch] = {}

    def add(self, va: int, size: int, phys: int) -> None:
        """From now on, if it is not yet so; the oldest one goes when there are too many."""
        if (va, size, phys) in self._watches:
            return
        if len(self._watches) == _MOST:
            self._remove(next(iter(self._watches)))
        watch = _Watch(self._emulator, va, size, self._memory.host(GuestPhys(phys)))
        watch.unhook = self._hook(_native.address_of(watch.data), va, va + size - 1)
        self._watches[va, size, phys] = watch

    def catch_up(self, rip: int) -> tuple[int, int]:
        """The block there is not what it was. The range whose translations are void."""
        start = rip & -PAGE
        end = start + 2 * PAGE  # a block may reach into the next page
        for watch in self._watches.values():
            watch.catch_up(start, end)
        return start, end

    def ranges(self) -> list[tuple[int, int, int]]:
        """Address, size and guest-physical address of each."""
        return list(self._watches)

    def clear(self) -> None:
        for key in self.ranges():
            self._remove(key)

    def _remove(self, key: tuple[int, int, int]) -> None:
        self._watches.pop(key).unhook()
