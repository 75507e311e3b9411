"""Forks of micro guests: a warm Python that is cloned for each request, a template, and many clones that only wait.

Times are what a program with the SDK and a daemon that runs already sees. A call to a sandbox is timed with a clone
that waits (``spaced``: there was time to make one) and without that pause (``at once``: making one is a part of it).
Beside them what there is without forks: the same Python started anew, natively and in a micro guest.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict

import inside
import lab
import measure
import memory
import peers
import wirt

LIBRARIES = "import argparse, asyncio, decimal, email.message, http.client, json, random, sqlite3"
PAUSE = 0.5  # seconds, for a clone to be made
VOLUMES = {"/usr": "/usr:ro"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20, help="how often each is done")
    options.add_argument("--forks", type=int, default=50, help="clones that wait, for their memory")
    chosen = options.parse_args()
    folder = lab.enter(peers.fetch)
    engine = peers.wirt(folder)
    engine.call("image", "import", "-", inside.HOST, data=inside.host_root())
    os.environ.update(engine.env)
    with wirt.Client() as host:
        rows = [
            *_starts(host, chosen.rounds),
            *_template(host, chosen.rounds),
            *_requests(host, chosen.rounds),
        ]
        measure.show("forks of micro guests", rows)
        measure.record("forks", [asdict(row) for row in rows])
        _waiting(host, chosen.forks)


def _times(label: str, rounds: int, act: Callable[[], object], pause: float = 0.0) -> measure.Row:
    """Milliseconds of each call, after two that do not count."""
    found = []
    for _ in range(rounds + 2):
        time.sleep(pause)
        began = time.perf_counter()
        act()
        found.append((time.perf_counter() - began) * 1e3)
    return measure.spread(label, found[2:])


def _starts(host: wirt.Client, rounds: int) -> list[measure.Row]:
    """What a start costs without forks."""
    native = ("/usr/bin/python3", "-S", "-c", LIBRARIES)
    return [
        _times("python, libraries: natively", rounds, lambda: subprocess.run(native, check=True)),
        _times("python, libraries: a new micro guest", rounds, lambda: _run(host, *native)),
        _times("true: a new micro guest", rounds, lambda: _run(host, "/usr/bin/true")),
    ]


def _run(host: wirt.Client, *command: str) -> None:
    host.run(inside.HOST, command, kind="micro", network="none", volumes=VOLUMES).check()


def _template(host: wirt.Client, rounds: int) -> list[measure.Row]:
    """A shell that has been started, and ends when it is asked: from a snapshot on the disk to its exit."""
    guest = host.guests.run(inside.HOST, ["sh", "-c", "read x; exit"], kind="micro", network="none", volumes=VOLUMES,
                            open_stdin=True)  # fmt: skip
    time.sleep(PAUSE)
    guest.snapshot("template")
    guest.remove(force=True)
    return [
        _times("a shell from a template, to its end", rounds, lambda: host.run("", snapshot="template", input="\n"))
    ]


def _requests(host: wirt.Client, rounds: int) -> list[measure.Row]:
    with host.sandbox(inside.HOST, setup=LIBRARIES, volumes=VOLUMES) as box:
        return [
            _times("a call to a sandbox, spaced", rounds, lambda: box.call(sum, [1, 2, 3]), PAUSE),
            _times("a call to a sandbox, at once", rounds, lambda: box.call(sum, [1, 2, 3])),
            _times("a program in a sandbox, spaced", rounds, lambda: box.run("true"), PAUSE),
        ]


def _waiting(host: wirt.Client, count: int) -> None:
    """Memory of clones that do nothing, each with its keeper."""
    command = ["/usr/bin/python3", "-c", f"{LIBRARIES}; import time; time.sleep(1e6)"]
    guest = host.guests.run(inside.HOST, command, kind="micro", network="none", volumes=VOLUMES)
    time.sleep(4 * PAUSE)
    began = time.perf_counter()
    clones = guest.forks(count)
    took = time.perf_counter() - began
    pids = [clone.view().state.pid for clone in clones]
    keepers = memory.processes(("wirt-keeper",))["wirt-keeper"]
    print(f"\n{count} forks of a warm Python, made in {took:.2f} s, that only wait; megabytes of one\n")
    for name, some in (("its monitor", pids), ("its keeper", keepers)):
        samples = [memory.memory_of(pid) for pid in some]
        private, pss = (sum(sample[key] for sample in samples) / len(samples) for key in ("private", "pss"))
        print(f"  {name:<14} private {private:6.2f}   PSS {pss:6.2f}")
        row: dict[str, object] = {"label": name, "count": count, "private": private, "pss": pss, "seconds": took}
        measure.record("forks-memory", [row])


if __name__ == "__main__":
    main()
