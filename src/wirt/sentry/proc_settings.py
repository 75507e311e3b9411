"""/proc/sys and /sys: settings, all of them to be read only.

Values that are the host kernel's were read from it when this module was imported; the second column is what stands
where it does not say. A value that ours differ in on purpose has no path of the host's.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable

from wirt.abi.linux.stat import S_IFDIR
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.proc_nodes import Entry, Folder, Listed, Text, fixed, host_text
from wirt.sentry.proc_system import from_host, memory_used
from wirt.sentry.task import Task

__all__ = ["SYS", "SYSCTL"]

Tree = dict[str, "Tree | Text"]

# Those of the host, and what they are on most.
_HOST = {
    "kernel/cap_last_cap": "40",
    "kernel/msgmax": "8192",
    "kernel/msgmnb": "16384",
    "kernel/msgmni": "32000",
    "kernel/ngroups_max": "65536",
    "kernel/pid_max": "4194304",
    "kernel/printk": "4 4 1 7",
    "kernel/random/entropy_avail": "256",
    "kernel/random/poolsize": "256",
    "kernel/sem": "32000 1024000000 500 32000",
    "kernel/shmall": "18446744073692774399",
    "kernel/shmmax": "18446744073692774399",
    "kernel/shmmni": "4096",
    "kernel/threads-max": "63000",
    "vm/mmap_min_addr": "65536",
    "fs/aio-max-nr": "65536",
    "fs/epoll/max_user_watches": "1000000",
    "fs/file-max": "9223372036854775807",
    "fs/inotify/max_queued_events": "16384",
    "fs/inotify/max_user_instances": "128",
    "fs/inotify/max_user_watches": "65536",
    "fs/mqueue/msg_max": "10",
    "fs/mqueue/msgsize_max": "8192",
    "fs/mqueue/queues_max": "256",
    "fs/pipe-max-size": "1048576",
    "fs/pipe-user-pages-hard": "0",
    "fs/pipe-user-pages-soft": "16384",
    "fs/protected_fifos": "1",
    "fs/protected_hardlinks": "1",
    "fs/protected_regular": "2",
    "fs/protected_symlinks": "1",
    "net/core/rmem_default": "212992",
    "net/core/rmem_max": "212992",
    "net/core/wmem_default": "212992",
    "net/core/wmem_max": "212992",
    "net/core/netdev_max_backlog": "1000",
    "net/ipv4/tcp_available_congestion_control": "reno cubic",
    "net/ipv4/tcp_congestion_control": "cubic",
    "net/ipv4/tcp_mem": "188319 251093 376638",
    "net/ipv4/tcp_rmem": "4096 131072 6291456",
    "net/ipv4/tcp_wmem": "4096 16384 4194304",
}

# Those that are the guest's.
_OURS = {
    "kernel/core_pattern": "core",
    "kernel/core_uses_pid": "0",
    "kernel/dmesg_restrict": "1",
    "kernel/domainname": "(none)",
    "kernel/kptr_restrict": "2",
    "kernel/ostype": "Linux",
    "kernel/overflowgid": "65534",
    "kernel/overflowuid": "65534",
    "kernel/panic": "0",
    "kernel/perf_event_paranoid": "3",
    "kernel/randomize_va_space": "2",
    "kernel/tainted": "0",
    "kernel/yama/ptrace_scope": "1",
    "vm/max_map_count": "1048576",
    "vm/nr_hugepages": "0",
    "vm/overcommit_memory": "1",  # a mapping costs nothing before it is touched
    "vm/overcommit_ratio": "50",
    "vm/swappiness": "60",
    "fs/aio-nr": "0",
    "fs/file-nr": "0\t0\t9223372036854775807",
    "fs/nr_open": str(FD_LIMIT),
    "fs/overflowgid": "65534",
    "fs/overflowuid": "65534",
    "fs/suid_dumpable": "0",
    "net/core/somaxconn": "4096",
    "net/ipv4/ip_forward": "0",
    "net/ipv4/ip_local_port_range": "32768\t60999",
    "net/ipv4/ip_nonlocal_bind": "0",
    "net/ipv4/ip_unprivileged_port_start": "1024",
    "net/ipv4/ping_group_range": "1\t0",
    "net/ipv4/tcp_fastopen": "1",
    "net/ipv4/tcp_fin_timeout": "60",
    "net/ipv4/tcp_keepalive_intvl": "75",
    "net/ipv4/tcp_keepalive_probes": "9",
    "net/ipv4/tcp_keepalive_time": "7200",
    "net/ipv4/tcp_max_syn_backlog": "1024",
    "net/ipv4/tcp_syncookies": "1",
    "net/ipv6/bindv6only": "0",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv6/conf/lo/disable_ipv6": "0",
}


def _host_name(_task: Task) -> bytes:
    return os.uname().nodename.encode() + b"\n"


def _uuid(random: bytes) -> bytes:
    """16 bytes as an UUID of version 4 (RFC 9562)."""
    digits = f"{int.from_bytes(random, 'big') & ~(0xF << 76 | 3 << 62) | 4 << 76 | 2 << 62:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).encode() + b"\n"


def _new_uuid(_task: Task) -> bytes:
    return _uuid(os.urandom(16))


def _boot_id(task: Task) -> bytes:
    """The same for all that is in a guest, as long as it runs: its first process tells one run from another."""
    start = host_text(task, b"1/stat").rpartition(b")")[2].split()[22 - 3]
    seed = start + os.uname().nodename.encode()
    return _uuid(b"".join(zlib.crc32(seed, salt).to_bytes(4, "big") for salt in range(4)))


_LIVE: dict[str, Callable[[Task], bytes]] = {
    "kernel/hostname": _host_name,
    "kernel/osrelease": lambda _task: os.uname().release.encode() + b"\n",
    "kernel/random/boot_id": _boot_id,
    "kernel/random/uuid": _new_uuid,
    "kernel/version": lambda _task: os.uname().version.encode() + b"\n",
}


def _constant(data: bytes) -> Text:
    return Text(lambda _task: data)


def _tree(files: dict[str, Text]) -> Folder:
    """Folders for all of the paths."""
    root: Tree = {}
    for path, text in sorted(files.items()):
        *folders, name = path.split("/")
        at = root
        for folder in folders:
            found = at.setdefault(folder, {})
            if isinstance(found, Text):
                raise TypeError(f"{path} is below a file")
            at = found
        at[name] = text
    return _folder(root)


def _folder(tree: Tree) -> Folder:
    entries: dict[bytes, Entry] = {}
    for name, below in tree.items():
        entries[name.encode()] = below if isinstance(below, Text) else _folder(below)
    return fixed(entries)


SYSCTL = _tree(
    {path: _constant(from_host(f"/proc/sys/{path}", default + "\n")) for path, default in _HOST.items()}
    | {path: _constant(f"{value}\n".encode()) for path, value in _OURS.items()}
    | {path: Text(content) for path, content in _LIVE.items()}
)


# -- /sys ------------------------------------------------------------------------------------------


def _cpus(task: Task) -> int:
    return max(task.process.options.cpus, 1)


def _cpu_list(task: Task) -> bytes:
    return b"0\n" if _cpus(task) == 1 else b"0-%d\n" % (_cpus(task) - 1)


def _cpu_map(task: Task) -> bytes:
    return b"%x\n" % ((1 << _cpus(task)) - 1)


_CPU_FILES: dict[bytes, Entry] = {
    b"offline": _constant(b"\n"),
    b"online": Text(_cpu_list),
    b"possible": Text(_cpu_list),
    b"present": Text(_cpu_list),
}
_ONE_CPU = fixed({
    b"online": _constant(b"1\n"),
    b"topology": fixed({
        b"core_siblings_list": Text(_cpu_list),
        b"physical_package_id": _constant(b"0\n"),
    }),
})  # fmt: skip


def _cpu_child(task: Task, name: bytes) -> Entry | None:
    number = name[3:]
    if name.startswith(b"cpu") and number.isdigit() and b"%d" % int(number[:9]) == number:
        return _ONE_CPU if int(number) < _cpus(task) else None
    return _CPU_FILES.get(name)


def _cpu_names(task: Task) -> Iterable[Listed]:
    files = len(_CPU_FILES)
    yield from fixed(_CPU_FILES).names(task)
    yield from ((files + 1 + cpu, b"cpu%d" % cpu, S_IFDIR) for cpu in range(_cpus(task)))


def _memory_max(task: Task) -> bytes:
    return b"%d\n" % task.process.options.machine_memory if task.process.options.machine_memory else b"max\n"


_CGROUP = {
    "cgroup.controllers": _constant(b"cpu memory pids\n"),
    "cpu.max": Text(lambda task: b"%d 100000\n" % (_cpus(task) * 100_000)),
    "memory.current": Text(lambda task: b"%d\n" % memory_used(task)),
    "memory.high": _constant(b"max\n"),
    "memory.max": Text(_memory_max),
    "memory.swap.max": _constant(b"0\n"),
    "pids.max": _constant(b"max\n"),
}
_HUGE_PAGES = {
    "defrag": _constant(b"always defer defer+madvise [madvise] never\n"),
    "enabled": _constant(b"always [madvise] never\n"),
    "hpage_pmd_size": _constant(b"2097152\n"),
}
_NODE = {
    "node0/cpulist": Text(_cpu_list),
    "node0/cpumap": Text(_cpu_map),
    "online": _constant(b"0\n"),
    "possible": _constant(b"0\n"),
}

SYS = fixed({
    b"block": fixed({}),
    b"bus": fixed({}),
    b"class": fixed({}),
    b"dev": fixed({}),
    b"devices": fixed({
        b"system": fixed({b"cpu": Folder(_cpu_child, _cpu_names), b"node": _tree(_NODE)}),
        b"virtual": fixed({}),
    }),
    b"firmware": fixed({}),
    b"fs": fixed({b"cgroup": _tree(_CGROUP)}),
    b"kernel": fixed({b"mm": fixed({b"transparent_hugepage": _tree(_HUGE_PAGES)})}),
    b"module": fixed({}),
})  # fmt: skip
