"""What this host is, as far as building a guest depends on it: asked once, as none of it changes while we run."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from dataclasses import dataclass
from pathlib import Path

from wirt.host.cgroup import CgroupLayout, CgroupMode, host_layout
from wirt.kinds.capabilities import available

__all__ = ["APPARMOR_PARSER", "Facts", "host_facts", "number_set"]

APPARMOR_PARSER = "/sbin/apparmor_parser"

_SPAN = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?", re.ASCII)
_MOST_NUMBERS = 1 << 16  # a range has no more


@dataclass(frozen=True, slots=True)
class Facts:
    """``kernel``: (major, minor). ``machine``: uname(2)'s. ``memory`` in bytes."""

    kernel: tuple[int, int]
    machine: str
    cpus: int
    cpu_set: frozenset[int]
    memory_nodes: frozenset[int]
    memory: int
    controllers: frozenset[str]
    cgroup_mode: CgroupMode
    swap_accounting: bool
    apparmor: bool
    may_set_oom_score: bool
    thermal_paths: tuple[str, ...]


@functools.cache
def host_facts() -> Facts:
    name = os.uname()
    layout = host_layout()
    cpu_set = _numbers("/sys/devices/system/cpu/online") or frozenset(range(os.cpu_count() or 1))
    major, minor = (int("".join(filter(str.isdigit, part)) or 0) for part in name.release.split(".")[:2])
    return Facts(
        kernel=(major, minor),
        machine=name.machine,
        cpus=len(cpu_set),
        cpu_set=cpu_set,
        memory_nodes=_numbers("/sys/devices/system/node/online") or frozenset({0}),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        controllers=layout.controllers,
        cgroup_mode=layout.mode,
        swap_accounting=_accounts_swap(layout),
        apparmor=_confines_by_apparmor(),
        may_set_oom_score="CAP_SYS_RESOURCE" in available() or int(_text("/proc/self/oom_score_adj") or 0) <= 0,
        thermal_paths=tuple(sorted(map(str, Path("/sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle")))),
    )


def number_set(text: str) -> frozenset[int]:
    """cpuset(7)'s list format: "0-2,4"; ``ValueError`` for anything else."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        match = _SPAN.fullmatch(part)
        span = range(int(match[1]), int(match[2] or match[1]) + 1) if match else ()
        if not span or len(span) > _MOST_NUMBERS:
            raise ValueError(f'"{part}" is no number, and no range of numbers')
        found.update(span)
    return frozenset(found)


def _confines_by_apparmor() -> bool:
    """As Docker decides: the kernel does, we may load profiles, and there is the tool to."""
    enabled = _text("/sys/module/apparmor/parameters/enabled").startswith("Y")
    return enabled and Path("/sys/kernel/security/apparmor").is_dir() and Path(APPARMOR_PARSER).exists()


def _accounts_swap(layout: CgroupLayout) -> bool:
    memory = layout.folder("", "memory")
    if not memory:
        return False
    if memory != layout.unified:
        return Path(memory, "memory.memsw.limit_in_bytes").exists()
    # v2's root has no limits: only cgroups below it show the files, and where there is none yet, swap is the rule.
    below = Path(memory)
    return any(below.glob("*/memory.swap.max")) or not any(below.glob("*/memory.max"))


def _numbers(path: str) -> frozenset[int]:
    with contextlib.suppress(ValueError):
        return number_set(_text(path).strip())
    return frozenset()


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
