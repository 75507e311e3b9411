"""/proc: what is said of the whole guest.

A guest sees its own processes and limits. What the processor is was read from the host when this module was imported,
which is before the monitor lets go of the host's files.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from wirt.abi.linux.unistd import SYS_sysinfo
from wirt.host import _native
from wirt.sentry.proc_nodes import Entry, Text, fixed, host_names, host_text
from wirt.sentry.task import Task

__all__ = ["PROC", "from_host", "memory_available", "memory_of_host", "memory_used"]

# struct sysinfo: uptime, loads, totalram freeram sharedram bufferram totalswap freeswap, procs, high memory, unit
_SYSINFO = struct.Struct("<q3Q6QH6xQQI4x")
_LOAD_UNIT = 1 << 16
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = 4096
_UTIME, _STIME, _CUTIME, _CSTIME, _RSS = 14 - 3, 15 - 3, 16 - 3, 17 - 3, 24 - 3  # after the name in proc_pid_stat(5)


def from_host(path: str, default: str) -> bytes:
    """A file of the host's, at import; ``default`` where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return default.encode()


_CPUINFO = from_host("/proc/cpuinfo", "processor\t: 0\n\n")


@dataclass(frozen=True, slots=True)
class _Machine:
    """sysinfo(2), in seconds and bytes."""

    uptime: int
    loads: tuple[float, float, float]
    total: int
    free: int
    shared: int
    buffers: int


def _machine() -> _Machine:
    data = bytearray(128)
    result = _native.quick(SYS_sysinfo, data)
    if result < 0:
        raise OSError(-result, os.strerror(-result))
    uptime, one, five, fifteen, total, free, shared, buffers, *_, unit = _SYSINFO.unpack_from(data)
    loads = (one / _LOAD_UNIT, five / _LOAD_UNIT, fifteen / _LOAD_UNIT)
    return _Machine(uptime, loads, total * unit, free * unit, shared * unit, buffers * unit)


def _processes(task: Task) -> Iterator[list[bytes]]:
    """The fields of every process's stat from the third on."""
    for name in host_names(task, b"."):
        if name.isdigit():
            try:
                yield host_text(task, name + b"/stat").rpartition(b")")[2].split()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ESRCH):
                    raise


def memory_used(task: Task) -> int:
    """Bytes that all the guest's processes have resident."""
    return sum(int(fields[_RSS]) for fields in _processes(task)) * _PAGE


def memory_of_host() -> int:
    """Bytes."""
    return _machine().total


def memory_available() -> int:
    """Bytes that the host could still give to anybody."""
    machine = _machine()
    return machine.free + machine.buffers


def _meminfo(task: Task) -> bytes:
    machine = _machine()
    total = min(task.process.options.machine_memory or machine.total, machine.total)
    free, buffers = machine.free, machine.buffers
    if total < machine.total:
        free, buffers = min(free, max(total - memory_used(task), 0)), 0
    rows = {
        "MemTotal": total,
        "MemFree": free,
        "MemAvailable": min(free + buffers, total),
        "Buffers": buffers,
        "Cached": 0,
        "SwapCached": 0,
        "Active": total - free,
        "Inactive": 0,
        "SwapTotal": 0,
        "SwapFree": 0,
        "Dirty": 0,
        "Writeback": 0,
        "AnonPages": total - free,
        "Mapped": 0,
        "Shmem": 0,
        "Slab": 0,
        "SReclaimable": 0,
        "SUnreclaim": 0,
        "CommitLimit": total,
        "Committed_AS": total - free,
        "VmallocTotal": 34359738367 << 10,
        "VmallocUsed": 0,
        "AnonHugePages": 0,
    }
    text = "".join(f"{name + ':':<15} {value >> 10:>8} kB\n" for name, value in rows.items())
    return (text + "HugePages_Total:       0\nHugePages_Free:        0\nHugepagesize:       2048 kB\n").encode()


def _cpuinfo(task: Task) -> bytes:
    """As many of the host's processors as the guest may use."""
    blocks = _CPUINFO.split(b"\n\n")
    return b"\n\n".join(blocks[: task.process.options.cpus]).rstrip(b"\n") + b"\n\n"


def _stat(task: Task) -> bytes:
    """Times of the guest's own processes, and of those that they have waited for."""
    cpus = max(task.process.options.cpus, 1)
    user = system = running = count = 0
    for fields in _processes(task):
        user += int(fields[_UTIME]) + int(fields[_CUTIME])
        system += int(fields[_STIME]) + int(fields[_CSTIME])
        running += fields[0] == b"R"
        count += 1
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    idle = max(int(up * _TICKS) * cpus - user - system, 0)
    rows = [f"cpu  {user} 0 {system} {idle} 0 0 0 0 0 0"]
    rows += [f"cpu{cpu} {user // cpus} 0 {system // cpus} {idle // cpus} 0 0 0 0 0 0" for cpu in range(cpus)]
    rows += ["intr 0", "ctxt 0", f"btime {int(time.time() - up)}", f"processes {count}"]
    rows += [f"procs_running {max(running, 1)}", "procs_blocked 0", "softirq 0"]
    return ("\n".join(rows) + "\n").encode()


def _uptime(task: Task) -> bytes:
    up = time.clock_gettime(time.CLOCK_BOOTTIME)
    return f"{up:.2f} {up * max(task.process.options.cpus, 1):.2f}\n".encode()


def _loadavg(task: Task) -> bytes:
    states = [fields[0] for fields in _processes(task)]
    one, five, fifteen = _machine().loads
    shown = f"{one:.2f} {five:.2f} {fifteen:.2f} {max(states.count(b'R'), 1)}/{len(states)} {task.process.pid}\n"
    return shown.encode()


def _version(_task: Task) -> bytes:
    host = os.uname()
    return f"{host.sysname} version {host.release} (wirt@wirt) {host.version}\n".encode()


def _vmstat(_task: Task) -> bytes:
    free = _machine().free // _PAGE
    zeros = "pgpgin pgpgout pswpin pswpout pgfault pgmajfault pgfree pgactivate pgdeactivate oom_kill"
    return (f"nr_free_pages {free}\n" + "".join(f"{name} 0\n" for name in zeros.split())).encode()


def _constant(text: str) -> Text:
    data = text.encode()
    return Text(lambda _task: data)


_TERMINALS = """\
/dev/tty             /dev/tty        5       0 system:/dev/tty
/dev/console         /dev/console    5       1 system:console
/dev/ptmx            /dev/ptmx       5       2 system
pty_slave            /dev/pts      136 0-1048575 pty:slave
pty_master           /dev/ptm      128 0-1048575 pty:master
"""

PROC: dict[bytes, Entry] = {
    b"cgroups": _constant("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"),
    b"cmdline": _constant("quiet\n"),
    b"cpuinfo": Text(_cpuinfo),
    b"devices": _constant("Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n"),
    b"diskstats": _constant(""),
    b"filesystems": _constant("nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tdevpts\nnodev\toverlay\n\text4\n"),
    b"interrupts": _constant("           CPU0\n"),
    b"loadavg": Text(_loadavg),
    b"meminfo": Text(_meminfo),
    b"modules": _constant(""),
    b"partitions": _constant("major minor  #blocks  name\n\n"),
    b"stat": Text(_stat),
    b"swaps": _constant("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
    b"tty": fixed({b"drivers": _constant(_TERMINALS)}),
    b"uptime": Text(_uptime),
    b"version": Text(_version),
    b"vmstat": Text(_vmstat),
}
