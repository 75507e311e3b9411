"""A hundred containers: wall time until all run, started one after the other and ten at a time."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

import lab
import measure
import peers

TOGETHER = 10


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=100, help="how many containers")
    options.add_argument("--only", default="wirt,docker,podman", help="contestants, comma-separated")
    chosen = options.parse_args()
    folder = lab.enter(peers.fetch)
    rows: list[dict[str, object]] = []
    print(f"\n{chosen.count} containers started, `run -d --network=none busybox sleep`\n")
    for make in (peers.wirt, peers.docker, peers.podman):
        if make.__name__ in chosen.only.split(","):
            engine = make(folder)
            for together in (1, TOGETHER):
                seconds = _start(engine, chosen.count, together)
                label = f"{engine.name}, {together} at a time"
                print(f"  {label:<28} {seconds:6.2f} s  {seconds / chosen.count * 1000:6.1f} ms each", flush=True)
                rows.append({"label": label, "seconds": seconds, "count": chosen.count})
    measure.record("hundred", rows)


def _start(engine: peers.Engine, count: int, together: int) -> float:
    """Seconds until ``count`` containers run; they are removed before the next measurement."""
    names = [f"h{number}" for number in range(count)]
    start = time.perf_counter()
    with ThreadPoolExecutor(together) as threads:
        list(threads.map(lambda name: engine.start(name).time(0), names))
    seconds = time.perf_counter() - start
    running = engine.call("ps", "-q").split()
    if len(running) != count:
        raise SystemExit(f"bench: {engine.name} says {len(running)} of {count} containers run")
    engine.remove(*names)
    return seconds


if __name__ == "__main__":
    main()
