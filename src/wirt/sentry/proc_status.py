"""/proc/PID/{stat,statm,status,limits}: the host's lines, less what in them is the monitor's.

How much memory is resident is what a process's own mappings hold, when it asks; of others it is what they really cost,
the monitor included.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping

from wirt.abi.linux.resource import RLIM_INFINITY, RLIMITS
from wirt.sentry.mm import PAGE
from wirt.sentry.proc_memory import is_own, resident_parts, size, threads
from wirt.sentry.proc_nodes import host_text
from wirt.sentry.rlimits import own_limit
from wirt.sentry.task import Task
from wirt.vmm.layout import ARENA
from wirt.vmm.memory import CAPACITY

__all__ = ["limits", "stat", "statm", "status"]

# proc_pid_stat(5), fields by number; the last that is there is 52
_THREADS, _VSIZE, _RSS, _START_STACK, _ARG_START = 20, 23, 24, 28, 48
_PRIVATE = (26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 45, 46, 47, 48, 49, 50, 51)
_SIZE_LINES = ("VmPeak", "VmSize", "VmData")
_RESERVED = ARENA + CAPACITY
_SIGNAL_LINES = ("SigBlk", "SigIgn", "SigCgt")

_UNITS = {
    "cpu": ("Max cpu time", "seconds"),
    "fsize": ("Max file size", "bytes"),
    "data": ("Max data size", "bytes"),
    "stack": ("Max stack size", "bytes"),
    "core": ("Max core file size", "bytes"),
    "rss": ("Max resident set", "bytes"),
    "nproc": ("Max processes", "processes"),
    "nofile": ("Max open files", "files"),
    "memlock": ("Max locked memory", "bytes"),
    "as": ("Max address space", "bytes"),
    "locks": ("Max file locks", "locks"),
    "sigpending": ("Max pending signals", "signals"),
    "msgqueue": ("Max msgqueue size", "bytes"),
    "nice": ("Max nice priority", ""),
    "rtprio": ("Max realtime priority", ""),
    "rttime": ("Max realtime timeout", "us"),
}


def stat(task: Task, base: bytes) -> bytes:
    head, _, tail = host_text(task, base + b"/stat").rpartition(b")")
    fields = tail.split()  # from the third on
    for number in _PRIVATE:
        if number - 3 < len(fields):
            fields[number - 3] = b"0"
    fields[_THREADS - 3] = b"%d" % len(threads(task, base.partition(b"/")[0]))
    if _has_left(task, base):
        fields[0] = b"Z"
    fields[_VSIZE - 3] = b"%d" % _less_reserved(int(fields[_VSIZE - 3]))
    if is_own(task, base):
        resident = sum(resident_parts(task)) // PAGE
        known = {_VSIZE: size(task), _RSS: resident, _START_STACK: task.mm.stack_start}
        known |= dict(enumerate((*task.mm.arguments, *task.mm.environment), _ARG_START))
        for number, value in known.items():
            fields[number - 3] = b"%d" % value
    return head + b") " + b" ".join(fields) + b"\n"


def _has_left(task: Task, base: bytes) -> bool:
    """Whether it is the first thread, and its guest thread has ended before the others: the host's one waits."""
    pid = task.process.pid
    return int(base.rpartition(b"/")[2]) == pid and pid not in task.process.tasks


def statm(task: Task, base: bytes) -> bytes:
    fields = host_text(task, base + b"/statm").split()
    for index in (0, 5):
        fields[index] = b"%d" % (_less_reserved(int(fields[index]) * PAGE) // PAGE)
    if is_own(task, base):
        parts = resident_parts(task)
        for index, pages in enumerate((size(task), sum(parts), sum(parts[1:]))):
            fields[index] = b"%d" % (pages // PAGE)
        fields[3] = b"%d" % (sum(vma.size for vma in task.mm.vmas if vma.rights & 4) // PAGE)
        fields[5] = b"%d" % (sum(vma.size for vma in task.mm.vmas if vma.rights & 2 and not vma.shared) // PAGE)
    return b" ".join(fields) + b"\n"


def status(task: Task, base: bytes) -> bytes:
    changed = dict.fromkeys(_SIGNAL_LINES, f"{0:016x}") | {"Seccomp": "0", "Seccomp_filters": "0", "TracerPid": "0"}
    changed |= {"FDSize": "256", "Threads": str(len(threads(task, base.partition(b"/")[0])))}
    if is_own(task, base):
        changed |= _own(task, int(base.rpartition(b"/")[2]))
    if _has_left(task, base):
        changed["State"] = "Z (zombie)"
    text = host_text(task, base + b"/status").decode("utf-8", "surrogateescape")
    lines = (_replaced(line, changed) for line in text.splitlines())
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _replaced(line: str, changed: Mapping[str, str]) -> str:
    name, colon, value = line.partition(":")
    if colon and name in changed:
        return f"{name}:\t{changed[name]}"
    if name in _SIZE_LINES:
        return f"{name}:\t{_less_reserved(int(value.split()[0]) << 10) >> 10:>8} kB"
    return line


def _less_reserved(size: int) -> int:
    """The monitor sets addresses aside for all memory that a guest process could ever have."""
    return size - _RESERVED if size >= _RESERVED else size


def _own(task: Task, tid: int) -> dict[str, str]:
    """What the process knows of itself: its signals and mappings."""
    process = task.process
    asked = process.tasks.get(tid, task)
    numbers = range(1, len(process.actions))
    ignored = sum(1 << n - 1 for n in numbers if process.actions[n].handler == 1)
    caught = sum(1 << n - 1 for n in numbers if process.actions[n].handler > 1)
    total = size(task) // 1024
    parts = [part // 1024 for part in resident_parts(task)]
    stack = next((vma.size for vma in task.mm.vmas if vma.name == "[stack]"), 0) // 1024
    return {
        "SigBlk": f"{asked.mask:016x}",
        "SigIgn": f"{ignored:016x}",
        "SigCgt": f"{caught:016x}",
        "VmPeak": f"{total:>8} kB",
        "VmSize": f"{total:>8} kB",
        "VmHWM": f"{sum(parts):>8} kB",
        "VmRSS": f"{sum(parts):>8} kB",
        "RssAnon": f"{parts[0]:>8} kB",
        "RssFile": f"{parts[1]:>8} kB",
        "RssShmem": f"{parts[2]:>8} kB",
        "VmStk": f"{stack:>8} kB",
        "VmExe": f"{sum(vma.size for vma in task.mm.vmas if vma.rights & 4) // 1024:>8} kB",
        "VmLib": f"{0:>8} kB",
    }


def limits(task: Task, base: bytes) -> bytes:
    own = is_own(task, base)
    rows = [f"{'Limit':<25} {'Soft Limit':<20} {'Hard Limit':<20} {'Units':<10}"]
    for number, name in enumerate(RLIMITS):
        title, unit = _UNITS[name]
        soft, hard = _limit(task, number, own=own)
        rows.append(f"{title:<25} {_said(soft):<20} {_said(hard):<20} {unit:<10}")
    return ("\n".join(rows) + "\n").encode()


def _limit(task: Task, number: int, *, own: bool) -> tuple[int, int]:
    """The guest's own for the process that asks; else the host's, which tells no more of the others."""
    return (own_limit(task.process, number) if own else None) or resource.getrlimit(number)


def _said(value: int) -> str:
    return "unlimited" if value < 0 or value >= RLIM_INFINITY else str(value)
