"""What a guest uses, for ``stats`` and the metrics: its cgroups, and the counters of its network namespace."""

from __future__ import annotations

import os
import time

from wirt.host.cgroup import CgroupLayout, read_usage
from wirt.kinds.facts import Facts
from wirt.model.guest import Guest
from wirt.model.host import Stats

__all__ = ["read"]

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_RX_BYTES, _TX_BYTES = 0, 8  # columns of /proc/net/dev


def read(guest: Guest, cgroup_path: str, layout: CgroupLayout, facts: Facts) -> Stats:
    """One sample; of a guest that has ended, what its cgroups still know."""
    usage = read_usage(layout, cgroup_path)
    received, sent = (0, 0) if guest.spec.network == "host" else _network(guest.pid)
    return Stats(
        id=guest.id,
        name=guest.name,
        time=time.time(),
        cpu_seconds=usage.cpu_seconds,
        cpu_system_seconds=_host_cpu_seconds(),
        cpus_online=facts.cpus,
        throttled_seconds=usage.throttled_seconds,
        memory_usage=usage.memory,
        memory_limit=min(usage.memory_limit or facts.memory, facts.memory),
        pids=usage.pids,
        pids_limit=usage.pids_limit,
        net_rx=received,
        net_tx=sent,
        block_read=usage.block_read,
        block_write=usage.block_write,
    )


def _host_cpu_seconds() -> float:
    """proc_stat(5): user to steal; guest time is part of user already."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = file.readline().split()
    return sum(map(int, fields[1:9])) * _TICK


def _network(pid: int) -> tuple[int, int]:
    """Bytes received and sent by every interface but the loopback."""
    received = sent = 0
    try:
        with open(f"/proc/{pid}/net/dev", encoding="ascii") as file:
            lines = file.readlines()[2:]
    except OSError:  # there is no such process any more
        return 0, 0
    for line in lines:
        name, _, counters = line.partition(":")
        if name.strip() != "lo":
            values = counters.split()
            received += int(values[_RX_BYTES])
            sent += int(values[_TX_BYTES])
    return received, sent
