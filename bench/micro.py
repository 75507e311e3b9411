"""Micro guests beside the bare runtime, containers and gVisor: start to exit, and what work in a guest costs.

Start to exit: whole commands over a static ``true``, as typed; then a dynamic one through the SDK, from the call to its
exit code, in a Python that runs already, over a warm daemon. Then what an idle guest holds in memory, and work
(``inside.py``).
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

import inside
import lab
import measure
import peers
import wirt as sdk
from memory import memory_of, processes

DYNAMIC = "dynamic"
TRUE = ("/usr/bin/true", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/ld-linux-x86-64.so.2")
IDLE = 5  # guests that sleep


@dataclass(frozen=True, slots=True)
class Call:
    """``Client.run`` of a dynamic ``true``."""

    label: str
    client: sdk.Client
    kind: Any  # of model.guest.Kind's words

    def time(self, turn: int) -> float:  # noqa: ARG002 - every guest is a fresh one
        start = time.perf_counter()
        self.client.run(DYNAMIC, ["/usr/bin/true"], kind=self.kind, network="none").check()
        return (time.perf_counter() - start) * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20, help="how often each command runs")
    options.add_argument("--only", default="runc,wirt,docker,podman,runsc", help="contestants, comma-separated")
    chosen = options.parse_args()
    names = chosen.only.split(",")
    folder = lab.enter(peers.fetch)
    wirt = peers.wirt(folder)
    commands = [wirt.run("none", kind="micro"), wirt.run("none")]
    for bare in ("runc", "runsc"):
        if bare in names:
            commands.append(getattr(peers, bare)(folder).run())
    for make in (peers.docker, peers.podman):
        if make.__name__ in names:
            commands.append(make(folder).run("none"))
    rows = measure.in_turn(commands, chosen.rounds)
    fastest = rows[0].median
    measure.show("start to exit, `true`", rows, lambda row: f"{row.median / fastest:5.2f} x a micro guest")
    measure.record("micro", [asdict(row) for row in rows])
    calls(wirt, chosen.rounds)
    idle(wirt)
    inside.show(folder, wirt)


def calls(wirt: peers.Engine, rounds: int) -> None:
    """Start to exit without a command around it."""
    wirt.call("image", "import", "-", DYNAMIC, data=inside.host_root(*TRUE))
    client = sdk.Client(f"unix://{wirt.env['WIRT_RUN']}/wirt.sock")
    rows = measure.in_turn([Call(f"SDK run, {kind}", client, kind) for kind in ("micro", "container")], rounds)
    measure.show("call to exit code, dynamic `true`", rows)
    measure.record("micro-sdk", [asdict(row) for row in rows])


def idle(wirt: peers.Engine) -> None:
    """The private memory of guests that sleep, and of their keepers."""
    names = [f"idle{number}" for number in range(IDLE)]
    for name in names:
        wirt.call("run", "-d", "--kind=micro", "--network=none", "--name", name, peers.IMAGE, "sleep", "10000")
    found = processes(("sleep", "wirt-keeper"))
    rows = [
        {"process": name, "private_mb": statistics.median(memory_of(pid)["private"] for pid in pids)}
        for name, pids in sorted(found.items())
    ]
    print(f"\nprivate memory, {IDLE} idle micro guests, median\n")
    for row in rows:
        print(f"  {row['process']:<32} {row['private_mb']:>6.2f} MB")
    measure.record("micro-memory", rows)
    wirt.remove(*names)


if __name__ == "__main__":
    main()
