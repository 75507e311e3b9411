"""Start to exit of ``exec CONTAINER true`` in a running container, beside the bare runtime, docker and podman."""

from __future__ import annotations

import argparse
from dataclasses import asdict

import lab
import measure
import peers

NAME = "sleeper"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=30, help="how often each command runs")
    options.add_argument("--only", default="runc,wirt,docker,podman", help="contestants, comma-separated")
    chosen = options.parse_args()
    names = chosen.only.split(",")
    folder = lab.enter(peers.fetch)
    bare = peers.runc(folder)
    bare.start(NAME)
    commands = [bare.execute(NAME)]
    engines = [make(folder) for make in (peers.wirt, peers.docker, peers.podman) if make.__name__ in names]
    for engine in engines:
        engine.start(NAME).time(0)
        commands.append(engine.execute(NAME))
    rows = measure.in_turn(commands, chosen.rounds)
    floor = rows[0].median
    measure.show("start to exit, `exec CONTAINER true`", rows, lambda row: f"{row.median - floor:+7.1f} ms over runc")
    measure.record("exec", [asdict(row) for row in rows])
    bare.remove(NAME)
    for engine in engines:
        engine.remove(NAME)


if __name__ == "__main__":
    main()
