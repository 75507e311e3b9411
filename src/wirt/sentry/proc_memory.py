"""/proc/PID: what has to do with memory. Of another process there is the command line, which all may read
(``proc_identity``), and its mappings, which it is asked for; other files are empty."""

from __future__ import annotations

import os
from collections.abc import Iterator

from wirt.abi.linux.unistd import SYS_mincore
from wirt.host import _native
from wirt.sentry import peers
from wirt.sentry.mm import PAGE
from wirt.sentry.proc_nodes import host_names, host_text
from wirt.sentry.task import Task
from wirt.sentry.vma import Vma

__all__ = [
    "auxv",
    "command_line",
    "environment",
    "is_own",
    "maps",
    "resident",
    "resident_parts",
    "size",
    "smaps",
    "smaps_rollup",
    "threads",
]

_KVM_THREAD = b"kvm-"  # kvm-nx-lpage-recovery, a thread of the process since Linux 6.13
_MAPS, _SMAPS = 1, 2  # what is asked of others
_CHUNK = 1 << 16  # pages asked about at a time


def is_own(task: Task, base: bytes) -> bool:
    """Whether a folder (b"12", b"12/task/13") is of the process that asks."""
    pid = int(base.partition(b"/")[0])
    return pid == task.process.pid or pid in task.process.tasks


def threads(task: Task, base: bytes) -> list[int]:
    """The guest threads of a process (``base``: b"12"): not those that the host's KVM has put into it."""
    if is_own(task, base):
        return sorted(task.process.tasks)
    found = []
    for name in host_names(task, base + b"/task"):
        try:
            if not host_text(task, base + b"/task/" + name + b"/comm").startswith(_KVM_THREAD):
                found.append(int(name))
        except OSError:  # it has just ended
            continue
    return sorted(found)


def command_line(task: Task, base: bytes) -> bytes:
    if is_own(task, base):
        return _range(task, task.mm.arguments)
    return host_text(task, base + b"/cmdline")


def environment(task: Task, base: bytes) -> bytes:
    if is_own(task, base):
        return _range(task, task.mm.environment)
    return host_text(task, base + b"/environ")


def _range(task: Task, span: tuple[int, int]) -> bytes:
    try:
        return task.mm.read(span[0], span[1] - span[0])
    except OSError:  # the program has unmapped or overwritten its stack
        return b""


def auxv(task: Task, base: bytes) -> bytes:
    """The vector is behind argv and envp on the stack: argc words, NULL, words, NULL."""
    if not is_own(task, base):
        return b""
    mm = task.mm
    try:
        at = mm.stack_start + 8 * (mm.u64(mm.stack_start) + 2)
        while mm.u64(at):
            at += 8
        start = at = at + 8
        while mm.u64(at):
            at += 16
        return mm.read(start, at + 16 - start)
    except OSError:
        return b""


def size(task: Task) -> int:
    """Bytes of all mappings."""
    return sum(vma.size for vma in task.mm.vmas)


def maps(task: Task, base: bytes) -> bytes:
    return _own_maps(task) if is_own(task, base) else peers.ask(task, _pid(base), _MAPS)


def smaps(task: Task, base: bytes) -> bytes:
    return _own_smaps(task) if is_own(task, base) else peers.ask(task, _pid(base), _SMAPS)


def _pid(base: bytes) -> int:
    return int(base.partition(b"/")[0])


def _own_maps(task: Task) -> bytes:
    with task.process.lock:
        return b"".join(_line(task, vma) for vma in task.mm.vmas)


def _line(task: Task, vma: Vma) -> bytes:
    rights = "".join(letter if vma.rights & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
    device = f"{os.major(vma.device):02x}:{os.minor(vma.device):02x}"
    offset = vma.offset if vma.fd_backed else 0
    text = f"{vma.start:08x}-{vma.end:08x} {rights}{'s' if vma.shared else 'p'} {offset:08x} {device} {vma.inode}"
    name = vma.name or ("[heap]" if task.mm.brk_start <= vma.start < task.mm.brk else "")
    return os.fsencode(f"{text:<73}{name}\n" if name else f"{text} \n")


def _own_smaps(task: Task) -> bytes:
    with task.process.lock:
        return b"".join(_line(task, vma) + _sizes(*_pages(vma)) + _flags(vma) for vma in task.mm.vmas)


def smaps_rollup(task: Task, base: bytes) -> bytes:
    if not is_own(task, base):
        return b""
    with task.process.lock:
        all_pages = [_pages(vma) for vma in task.mm.vmas]
        low = next(iter(task.mm.vmas), Vma(0, 0, 0)).start
    total, shared, anonymous = (sum(pages[index] for pages in all_pages) for index in range(1, 4))
    line = f"{low:08x}-7ffffffff000 ---p 00000000 00:00 0"
    return f"{line:<73}[rollup]\n".encode() + _sizes(-1, total, shared, anonymous)


def _pages(vma: Vma) -> tuple[int, int, int, int]:
    """Bytes in all, resident, resident and shared, resident and of no file."""
    present = resident(vma) if vma.phys >= 0 else 0
    return vma.size, present, present if vma.shared else 0, 0 if vma.fd_backed else present


def resident(vma: Vma) -> int:
    """Bytes that the host holds for it: mincore(2) on where it lies."""
    return sum(_present(vma)) * PAGE


def resident_parts(task: Task) -> tuple[int, int, int]:
    """The same for the process that asks: of anonymous memory, of files, and of memory that is shared."""
    parts = [0, 0, 0]
    with task.process.lock:
        for vma in task.mm.vmas:
            if vma.phys >= 0:
                parts[2 if vma.shared else 1 if vma.fd_backed else 0] += resident(vma)
    anonymous, files, shared = parts
    return anonymous, files, shared


def _present(vma: Vma) -> Iterator[int]:
    host, left = vma.start + vma.delta, vma.size // PAGE
    while left > 0:
        count = min(left, _CHUNK)
        found = bytearray(count)
        if _native.call(SYS_mincore, host, count * PAGE, found) == 0:
            yield count - found.count(0)
        host += count * PAGE
        left -= count


def _sizes(total: int, present: int, shared: int, anonymous: int) -> bytes:
    dirty = anonymous
    rows = {
        "Size": total,
        "KernelPageSize": 4096 if total >= 0 else -1,
        "MMUPageSize": 4096 if total >= 0 else -1,
        "Rss": present,
        "Pss": present,
        "Shared_Clean": shared,
        "Shared_Dirty": 0,
        "Private_Clean": present - shared - dirty if present >= shared + dirty else 0,
        "Private_Dirty": dirty,
        "Referenced": present,
        "Anonymous": anonymous,
        "AnonHugePages": 0,
        "Swap": 0,
        "SwapPss": 0,
        "Locked": 0,
    }
    return "".join(f"{name + ':':<16}{value // 1024:>8} kB\n" for name, value in rows.items() if value >= 0).encode()


def _flags(vma: Vma) -> bytes:
    flags = " ".join(text for text, bit in (("rd", 1), ("wr", 2), ("ex", 4)) if vma.rights & bit)
    return f"VmFlags: {flags} mr mw me\n".encode()


peers.register(_MAPS, _own_maps)
peers.register(_SMAPS, _own_smaps)
