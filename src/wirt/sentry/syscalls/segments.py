"""System V shared memory: the host's own segments, attached over extents of guest memory."""

from __future__ import annotations

import errno

from wirt.abi.linux.resource import RLIM_INFINITY
from wirt.abi.linux.unistd import SYS_shmat, SYS_shmctl, SYS_shmdt
from wirt.host import _native
from wirt.sentry.answers import passed
from wirt.sentry.failures import fail
from wirt.sentry.mm import PAGE, AddressSpace, page_up
from wirt.sentry.rlimits import check_room
from wirt.sentry.syscalls.ipc import control
from wirt.sentry.table import Call
from wirt.sentry.task import Task
from wirt.sentry.vma import Vma
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_IPC_RMID, _IPC_STAT, _IPC_INFO, _SHM_LOCK, _SHM_UNLOCK = 0, 2, 3, 11, 12
# STAT, SHM_STAT, SHM_STAT_ANY: struct shmid64_ds; IPC_INFO: shminfo64; SHM_INFO: shm_info
_ANSWERS = {_IPC_STAT: 112, 13: 112, 15: 112, _IPC_INFO: 72, 14: 48}
_PLAIN = frozenset((_IPC_RMID, _SHM_LOCK, _SHM_UNLOCK))
_SEGMENT_SIZE = 48  # the offset of shm_segsz in struct shmid64_ds
_RDONLY, _RND, _REMAP, _EXEC = 0o10000, 0o20000, 0o40000, 0o100000
_READ, _WRITE, _EXECUTE = 1, 2, 4
_MAP_FIXED = 0x10
_NAME = "/SYSV"


def shmat(task: Task, identity: int, address: int, flags: int) -> int:
    flags, identity = u32(flags), s32(identity)
    if address % PAGE:
        if not flags & _RND:
            fail(errno.EINVAL)
        address &= ~(PAGE - 1)
    if not address and flags & _REMAP:
        fail(errno.EINVAL)
    held = _native.call(SYS_shmat, identity, 0, flags & _RDONLY)
    if held < 0:
        return held
    try:
        return _attach(task, identity, address, flags)
    finally:
        _native.call(SYS_shmdt, held)


def _attach(task: Task, identity: int, address: int, flags: int) -> int:
    """The caller has the segment attached elsewhere: a number that is in use stays with its segment, and its size."""
    key, size = _about(identity)
    rights = _READ | (0 if flags & _RDONLY else _WRITE) | (_EXECUTE if flags & _EXEC else 0)
    mm = task.mm
    with task.process.lock:
        if address and not flags & _REMAP and mm.vmas.between(address, address + size):
            fail(errno.EINVAL)
        va = mm.place_for(address, size, _MAP_FIXED if address else 0)
        check_room(task.process, va, size, data=False)
        vma = Vma(va, va + size, rights, shared=True, name=f"{_NAME}{key:08x} (deleted)", inode=identity)
        if flags & _RDONLY:
            vma.may &= ~_WRITE
        phys = mm.memory.allocate(size)
        try:
            mm.memory.place_segment(phys, size, identity, writable=not flags & _RDONLY)
        except OSError:
            mm.memory.free(phys, size)
            raise
        mm.unmap(va, size)
        vma.phys, vma.delta = phys, mm.memory.host(phys) - va
        mm.show(vma)
        mm.vmas.add(vma)
    return va


def _about(identity: int) -> tuple[int, int]:
    """A segment's key, and its size in whole pages."""
    structure = bytearray(_ANSWERS[_IPC_STAT])
    result = _native.call(SYS_shmctl, identity, _IPC_STAT, structure)
    if result < 0:
        fail(-result)
    size = int.from_bytes(structure[_SEGMENT_SIZE : _SEGMENT_SIZE + 8], "little")
    if size > RLIM_INFINITY >> 16:
        fail(errno.ENOMEM)
    return int.from_bytes(structure[:4], "little"), page_up(size)


def shmdt(task: Task, address: int) -> int:
    """What is left of the segment that was attached at ``address``."""
    mm = task.mm
    with task.process.lock:
        first = mm.vmas.find(address)
        if first is None or first.start != address or first.offset or not first.name.startswith(_NAME):
            fail(errno.EINVAL)
        for vma in _parts(mm, first):
            mm.unmap(vma.start, vma.size)
    return 0


def _parts(mm: AddressSpace, first: Vma) -> list[Vma]:
    """A mapping and what mprotect(2) or munmap(2) have made pieces of it."""
    return [
        vma
        for vma in mm.vmas
        if vma.inode == first.inode and vma.name == first.name and vma.start - vma.offset == first.start
    ]


def shmctl(task: Task, identity: int, command: int, word: int) -> int:
    def ask(argument: int | bytes | bytearray) -> int:
        return _native.call(SYS_shmctl, identity, command, argument)

    return control(task, ask, s32(command), word, _ANSWERS, _PLAIN)


CALLS = (
    Call(29, "shmget", passed(29), "int size int"),
    Call(30, "shmat", shmat, "int ptr int"),
    Call(31, "shmctl", shmctl, "int int ptr"),
    Call(67, "shmdt", shmdt, "ptr"),
)
