"""Start to exit of ``run --rm busybox true``, without a network and with the default one.

Beside wirt: docker, podman, and the bare runtime, which is what all three call in the end.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict

import lab
import measure
import peers


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=20, help="how often each command runs")
    options.add_argument("--only", default="runc,wirt,docker,podman", help="contestants, comma-separated")
    chosen = options.parse_args()
    names = chosen.only.split(",")
    folder = lab.enter(peers.fetch)
    commands = [peers.runc(folder).run()] if "runc" in names else []
    for make in (peers.wirt, peers.docker, peers.podman):
        if make.__name__ in names:
            engine = make(folder)
            commands += [engine.run("none"), engine.run()]
    rows = measure.in_turn(commands, chosen.rounds)
    medians = {row.label: row.median for row in rows}
    measure.show("start to exit, `run --rm busybox true`", rows, lambda row: _ratio(row, medians))
    measure.record("startup", [asdict(row) for row in rows])


def _ratio(row: measure.Row, medians: dict[str, float]) -> str:
    """How much longer than wirt's with the same network; the bare runtime is compared with no network."""
    label = row.label.replace("docker", "wirt").replace("podman", "wirt").replace("runc run", "wirt run, none network")
    return f"{row.median / medians[label]:5.2f} x wirt" if label in medians and label != row.label else ""


if __name__ == "__main__":
    main()
