"""mremap(2): mappings that grow, shrink and move. Pages move with the host's own mremap, without a copy."""

from __future__ import annotations

import errno

from wirt.sentry.failures import fail
from wirt.sentry.mm import LOWEST, PAGE, USER_END, AddressSpace, page_up
from wirt.sentry.vma import NOWHERE, Vma
from wirt.vmm.layout import GuestPhys, GuestVirt

__all__ = ["remap"]

_MAYMOVE, _FIXED, _DONTUNMAP = 1, 2, 4


def remap(mm: AddressSpace, old: int, old_size: int, new_size: int, flags: int, new: int) -> int:
    """The address of the mapping afterwards."""
    if old % PAGE or flags & ~(_MAYMOVE | _FIXED | _DONTUNMAP) or (flags & _FIXED and not flags & _MAYMOVE):
        fail(errno.EINVAL)
    old_size, new_size = page_up(old_size), page_up(new_size)
    if not new_size or (flags & _DONTUNMAP and (not flags & _MAYMOVE or old_size != new_size)):
        fail(errno.EINVAL)
    if not old_size or flags & _DONTUNMAP:
        return _second(mm, old, old_size, new_size, flags, new)
    if flags & _FIXED:
        _check_target(old, old_size, new, new_size)
    elif new_size <= old_size:
        if new_size < old_size:
            mm.unmap(old + new_size, old_size - new_size)
        if mm.vmas.find(old) is None:
            fail(errno.EFAULT)
        return old
    vma = mm.vmas.find(old)
    if vma is None or old + min(old_size, new_size) > vma.end:
        fail(errno.EFAULT)
    if flags & _FIXED:
        mm.unmap(new, new_size)
        if new_size < old_size:
            mm.unmap(old + new_size, old_size - new_size)
        return _move(mm, old, min(old_size, new_size), new, new_size)
    if old + old_size == vma.end and _room_after(mm, vma.end, new_size - old_size):
        return _move(mm, old, old_size, old, new_size)
    if not flags & _MAYMOVE:
        fail(errno.ENOMEM)
    return _move(mm, old, old_size, mm.place_for(0, new_size, 0), new_size)


def _second(mm: AddressSpace, old: int, old_size: int, new_size: int, flags: int, new: int) -> int:
    """What was there stays: an ``old_size`` of 0 asks for another view of it, DONTUNMAP leaves it without its pages."""
    vma = mm.vmas.find(old)
    if vma is None or old + old_size > vma.end:
        fail(errno.EFAULT)
    if not (old_size or vma.shared) or (old_size and (vma.shared or vma.fd_backed)):
        fail(errno.EINVAL)
    if not flags & _MAYMOVE:
        fail(errno.ENOMEM)
    if flags & _FIXED:
        _check_target(old, old_size, new, new_size)
        mm.unmap(new, new_size)
        vma = mm.vmas.find(old)
    else:
        new = mm.place_for(0, new_size, 0)
    if vma is None or vma.phys < 0:
        fail(errno.EINVAL)
    start = GuestPhys(vma.phys + old - vma.start)
    phys = mm.memory.allocate(new_size)
    try:
        mm.memory.carry(start, old_size, phys, new_size, filled=vma.fd_backed or vma.shared)
    except OSError:
        mm.memory.free(phys, new_size)
        raise
    other = _grown(vma.cut(old, vma.end), new, new_size, phys, mm.memory.host(phys) - new)
    mm.show(other)
    mm.vmas.add(other)
    return new


def _check_target(old: int, old_size: int, new: int, new_size: int) -> None:
    if new % PAGE or new < LOWEST or new + new_size > USER_END:
        fail(errno.EINVAL)
    if new < old + old_size and old < new + new_size:
        fail(errno.EINVAL)


def _room_after(mm: AddressSpace, end: int, size: int) -> bool:
    return end + size <= USER_END and not mm.vmas.between(end, end + size)


def _move(mm: AddressSpace, old: int, old_size: int, new: int, new_size: int) -> int:
    """Give the mapping an extent of its new size, carry its pages over, and show it at ``new``."""
    vma = mm.vmas.isolate(old, old + old_size)[0]
    if vma.phys < 0:
        mm.unmap(old, old_size)
        mm.vmas.add(_grown(vma, new, new_size, -1, NOWHERE))
        return new
    phys = mm.memory.allocate(new_size)
    # Nothing is shown while pages move: other threads that use them fault, wait for the lock, and try again.
    mm.memory.unmap(GuestVirt(old), old_size, touch=False)
    try:
        mm.memory.carry(GuestPhys(vma.phys), old_size, phys, new_size, filled=vma.fd_backed or vma.shared)
    except OSError:
        mm.memory.free(phys, new_size)
        mm.show(vma)
        raise
    moved = _grown(vma, new, new_size, phys, mm.memory.host(phys) - new)
    mm.replace(vma, moved)
    if not (vma.fd_backed or vma.shared):
        mm.fill_new(moved, old_size)
    mm.show(moved)
    return new


def _grown(vma: Vma, start: int, size: int, phys: int, delta: int) -> Vma:
    result = vma.cut(vma.start, vma.end)
    result.start, result.end, result.phys, result.delta = start, start + size, phys, delta
    if result.name == "[heap]":
        result.name = ""
    return result
