"""mmap and its family."""

from __future__ import annotations

import errno

from wirt.abi.linux.unistd import SYS_membarrier, SYS_mincore, SYS_msync
from wirt.host import _native
from wirt.sentry.descriptors import descriptor
from wirt.sentry.failures import fail
from wirt.sentry.mm import PAGE, USER_END, page_up
from wirt.sentry.remap import remap
from wirt.sentry.rlimits import check_room, unheld
from wirt.sentry.table import Call, Restart, Support
from wirt.sentry.task import Task
from wirt.sentry.vma import COPIED, LEFT_OUT, WIPED, Vma
from wirt.sentry.words import s32, u32
from wirt.vmm.layout import GuestPhys
from wirt.vmm.memory import GuestMemory

__all__ = ["CALLS"]

_SHARED, _PRIVATE, _SHARED_VALIDATE, _TYPE = 1, 2, 3, 0xF
_ANONYMOUS, _GROWSDOWN = 0x20, 0x100
_WRITE = 2
_PROT_ALL, _PROT_GROWSDOWN = 7, 0x01000000
_MADV_DONTNEED, _MADV_FREE, _MADV_REMOVE, _MADV_DONTNEED_LOCKED = 4, 8, 9, 24
# Advice that may be left unheard: NORMAL RANDOM SEQUENTIAL WILLNEED MERGEABLE UNMERGEABLE HUGEPAGE NOHUGEPAGE DONTDUMP
# DODUMP COLD PAGEOUT POPULATE_READ POPULATE_WRITE COLLAPSE
_ADVICE = frozenset((0, 1, 2, 3, 12, 13, 14, 15, 16, 17, 20, 21, 22, 23, 25))
_GIVE_BACK = frozenset((_MADV_DONTNEED, _MADV_FREE, _MADV_REMOVE, _MADV_DONTNEED_LOCKED))
_MADV_WIPEONFORK = 18
_ON_FORK = {10: LEFT_OUT, 11: COPIED, _MADV_WIPEONFORK: WIPED, 19: COPIED}  # DONTFORK DOFORK WIPEONFORK KEEPONFORK
_ASKED_AT_ONCE = 256 << 20  # bytes that mincore looks at in one go
_MS_ASYNC, _MS_INVALIDATE, _MS_SYNC = 1, 2, 4


def mmap(task: Task, address: int, length: int, prot: int, flags: int, fd: int, offset: int) -> int:
    """Pages come eagerly into the tables, lazily into memory. MAP_POPULATE, MAP_LOCKED and MAP_HUGETLB are advice."""
    size, flags, prot = page_up(length), u32(flags), u32(prot) & _PROT_ALL
    kind = flags & _TYPE
    if not length or kind not in (_SHARED, _PRIVATE, _SHARED_VALIDATE) or offset % PAGE:
        fail(errno.EINVAL)
    if size == 0 or size > USER_END:
        fail(errno.ENOMEM)
    shared = kind != _PRIVATE
    mm = task.mm
    with task.process.lock:
        va = mm.place_for(address, size, flags)
        check_room(task.process, va, size, data=not shared and bool(prot & _WRITE))
        if flags & _ANONYMOUS:
            with unheld(task.process):  # shared memory is a file for the host
                mm.map_anonymous(va, size, prot, shared=shared, grows_down=bool(flags & _GROWSDOWN))
        else:
            number = descriptor(fd)
            name = task.process.path_of(number)
            mm.map_file(va, size, prot, number, offset, shared=shared, name=name)
    return va


def munmap(task: Task, address: int, length: int) -> int:
    size = page_up(length)
    if address % PAGE or not size or address + size > USER_END:
        fail(errno.EINVAL)
    with task.process.lock:
        task.mm.unmap(address, size)
    return 0


def mprotect(task: Task, address: int, length: int, prot: int) -> int:
    size, prot = page_up(length), u32(prot)
    if address % PAGE or prot & ~(_PROT_ALL | _PROT_GROWSDOWN):
        fail(errno.EINVAL)
    if address + size > USER_END:
        fail(errno.ENOMEM)
    if size:
        with task.process.lock:
            task.mm.protect(address, size, prot & _PROT_ALL)
    return 0


def pkey_mprotect(task: Task, address: int, length: int, prot: int, key: int) -> int:
    if s32(key) != -1:
        fail(errno.EINVAL)
    return mprotect(task, address, length, prot)


def no_pkeys(_task: Task) -> int:
    return -errno.ENOSPC


def no_such_pkey(_task: Task) -> int:
    return -errno.EINVAL


def brk(task: Task, address: int) -> int:
    mm = task.mm
    with task.process.lock:
        end = page_up(mm.brk)
        try:
            check_room(task.process, end, max(page_up(address) - end, 0), data=True)
        except OSError:
            return mm.brk
        return mm.set_brk(address)


def mremap(task: Task, old: int, old_size: int, new_size: int, flags: int, new: int) -> int:
    more = page_up(new_size) - page_up(old_size)
    with task.process.lock:
        vma = task.mm.vmas.find(old)
        if vma is not None and more > 0:
            check_room(task.process, USER_END, more, data=not vma.shared and bool(vma.rights & _WRITE))
        return remap(task.mm, old, old_size, new_size, u32(flags), new)


def madvise(task: Task, address: int, length: int, advice: int) -> int:
    """DONTNEED, FREE and REMOVE give memory back at once; forks go by theirs; other advice needs nothing."""
    size, advice, vmas = page_up(length), s32(advice), task.mm.vmas
    if address % PAGE or (length and not size) or address + size > 1 << 64:
        fail(errno.EINVAL)
    if advice not in _ADVICE and advice not in _GIVE_BACK and advice not in _ON_FORK:
        fail(errno.EINVAL)
    with task.process.lock:
        expected, whole = address, True
        for vma in (vmas.isolate if advice in _ON_FORK else vmas.between)(address, address + size):
            start, end = max(vma.start, address), min(vma.end, address + size)
            whole = whole and start == expected
            expected = end
            if advice in _ON_FORK:
                _advise_fork(vma, advice)
            elif advice in _GIVE_BACK and vma.phys >= 0:
                _give_back(task.mm.memory, vma, start, end, advice)
        if not whole or expected < address + size:
            fail(errno.ENOMEM)
    return 0


def _advise_fork(vma: Vma, advice: int) -> None:
    if advice == _MADV_WIPEONFORK and (vma.shared or vma.fd_backed):
        fail(errno.EINVAL)
    vma.on_fork = _ON_FORK[advice]


def _give_back(memory: GuestMemory, vma: Vma, start: int, end: int, advice: int) -> None:
    if advice == _MADV_REMOVE and not vma.shared:
        fail(errno.EINVAL)
    if advice == _MADV_FREE and (vma.shared or vma.fd_backed):
        fail(errno.EINVAL)
    memory.forget(GuestPhys(vma.phys + start - vma.start), end - start, punch=advice == _MADV_REMOVE)


def msync(task: Task, address: int, length: int, flags: int) -> int:
    size, flags = page_up(length), u32(flags)
    both = flags & _MS_ASYNC and flags & _MS_SYNC
    if address % PAGE or flags & ~(_MS_ASYNC | _MS_INVALIDATE | _MS_SYNC) or both:
        fail(errno.EINVAL)
    end = address + size
    expected = address
    for vma in task.mm.vmas.between(address, end):
        if vma.start > expected:
            fail(errno.ENOMEM)
        start, stop = max(vma.start, address), min(vma.end, end)
        expected = stop
        if vma.shared and vma.fd_backed:
            result = _native.call(SYS_msync, start + vma.delta, stop - start, flags)
            if result < 0:
                return result
    if expected < end:
        fail(errno.ENOMEM)
    return 0


def mincore(task: Task, address: int, length: int, vector: int) -> int:
    size = page_up(length)
    if address % PAGE:
        fail(errno.EINVAL)
    expected = address
    for vma in task.mm.vmas.between(address, address + size):
        if vma.start > expected:
            break
        end = min(vma.end, address + size)
        for start in range(expected, end, _ASKED_AT_ONCE):
            stop = min(start + _ASKED_AT_ONCE, end)
            answer = _resident(vma.delta, start, stop) if vma.phys >= 0 else bytes((stop - start) // PAGE)
            task.mm.write(vector + (start - address) // PAGE, answer)
        expected = end
    if expected < address + size:
        fail(errno.ENOMEM)
    return 0


def _resident(delta: int, start: int, end: int) -> bytes:
    pages = (end - start) // PAGE
    answer = bytearray(pages)
    result = _native.call(SYS_mincore, start + delta, end - start, answer)
    if result < 0:
        fail(-result)
    return bytes(answer)


def mlock(task: Task, address: int, length: int) -> int:
    """Nothing a guest maps is ever swapped by us; what it asks for must be mapped, that is all."""
    start, end = address & ~(PAGE - 1), page_up(address + length)
    expected = start
    for vma in task.mm.vmas.between(start, end):
        if vma.start > expected:
            break
        expected = vma.end
    if expected < end:
        fail(errno.ENOMEM)
    return 0


def mlock2(task: Task, address: int, length: int, flags: int) -> int:
    if u32(flags) & ~1:
        fail(errno.EINVAL)
    return mlock(task, address, length)


def mlockall(_task: Task, flags: int) -> int:
    if not u32(flags) & 3 or u32(flags) & ~7:  # MCL_ONFAULT is about the others
        fail(errno.EINVAL)
    return 0


def munlockall(_task: Task) -> int:
    return 0


def membarrier(_task: Task, command: int, flags: int, _cpu: int) -> int:
    """The host's own: the threads of a guest process are the threads of a host process."""
    return _native.call(SYS_membarrier, command, flags, 0)


CALLS = (
    Call(9, "mmap", mmap, "ptr size prot map fd off", note="MAP_POPULATE, MAP_LOCKED and MAP_HUGETLB are advice"),
    Call(10, "mprotect", mprotect, "ptr size prot"),
    Call(11, "munmap", munmap, "ptr size"),
    Call(12, "brk", brk, "ptr"),
    Call(25, "mremap", mremap, "ptr size size int ptr", Support.PARTIAL, "MREMAP_DONTUNMAP of anonymous memory"),
    Call(26, "msync", msync, "ptr size int"),
    Call(27, "mincore", mincore, "ptr size ptr"),
    Call(28, "madvise", madvise, "ptr size int", note="what is only advice is ignored"),
    Call(149, "mlock", mlock, "ptr size", note="guest memory is not swapped by wirt"),
    Call(150, "munlock", mlock, "ptr size"),
    Call(151, "mlockall", mlockall, "int"),
    Call(152, "munlockall", munlockall, ""),
    Call(324, "membarrier", membarrier, "int int int", restart=Restart.NEVER),
    Call(325, "mlock2", mlock2, "ptr size int"),
    Call(329, "pkey_mprotect", pkey_mprotect, "ptr size prot int", Support.PARTIAL, "without a key"),
    Call(330, "pkey_alloc", no_pkeys, "", Support.NONE, "ENOSPC: there are no keys"),
    Call(331, "pkey_free", no_such_pkey, "", Support.NONE, "EINVAL: there are no keys"),
)
