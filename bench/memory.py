"""Memory an engine costs beside its guests: what stays for each container, and what stays once.

Private memory is what the machine gets back when the process ends (Private_Clean + Private_Dirty of
/proc/PID/smaps_rollup, proc(5)); pages shared with other processes count in the proportional size (PSS).
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from pathlib import Path

import lab
import measure
import peers

__all__ = ["memory_of", "processes"]

NAMES = ("wirt", "dockerd", "containerd", "conmon")  # how the engines' processes call themselves, or begin to


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10, help="containers per engine")
    options.add_argument("--only", default="wirt,docker,podman", help="contestants, comma-separated")
    chosen = options.parse_args()
    folder = lab.enter(peers.fetch)
    for make in (peers.wirt, peers.docker, peers.podman):
        if make.__name__ in chosen.only.split(","):
            engine = make(folder)
            for number in range(chosen.count):
                engine.start(f"m{number}").time(0)
    rows = [_row(name, pids) for name, pids in sorted(processes(NAMES).items())]
    print(f"\nmemory of the engines' own processes, {chosen.count} containers each, median of a kind\n")
    print(f"  {'process':<18} {'how many':>8} {'private':>10} {'PSS':>10} {'RSS':>10}")
    for row in rows:
        sizes = "".join(f" {row[name]:>7.2f} MB" for name in ("private", "pss", "rss"))
        print(f"  {row['process']:<18} {row['count']:>8}{sizes}")
    measure.record("memory", rows)


def processes(names: tuple[str, ...]) -> dict[str, list[int]]:
    """Processes by name, if it begins like one of ``names``: the lab has its own process ids, so these are all."""
    found: dict[str, list[int]] = defaultdict(list)
    for entry in Path("/proc").glob("[0-9]*"):
        daemon = b"wirt.daemon" in (entry / "cmdline").read_bytes()
        name = "wirt-daemon" if daemon else (entry / "comm").read_text().strip()
        if name.startswith(names):
            found[name].append(int(entry.name))
    return found


def _row(name: str, pids: list[int]) -> dict[str, object]:
    samples = [memory_of(pid) for pid in pids]
    middle = {key: statistics.median(sample[key] for sample in samples) for key in samples[0]}
    return {"process": name, "count": len(pids), **middle}


def memory_of(pid: int) -> dict[str, float]:
    """Megabytes (10^6 bytes) of one process."""
    kilobytes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, _, rest = line.partition(":")
        kilobytes[key] = int(rest.split()[0])
    private = kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
    return {
        "private": private * 1024 / 1e6,
        "pss": kilobytes["Pss"] * 1024 / 1e6,
        "rss": kilobytes["Rss"] * 1024 / 1e6,
    }


if __name__ == "__main__":
    main()
