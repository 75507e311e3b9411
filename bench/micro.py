"""Micro guests beside the bare runtime, containers and gVisor: start to exit, and what work in a guest costs.

The work is one static program (``programs/work.c``), run natively and in a micro guest in the same run: system calls
that the guest answers by itself, that leave it, reading the clock, a loop, reading a file in blocks of 1 MiB.
"""

from __future__ import annotations

import argparse
import subprocess
from dataclasses import asdict
from pathlib import Path

import lab
import measure
import peers

PROGRAM = Path(__file__).parent / "programs" / "work.c"
FILE_SIZE = 64 << 20


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
    work(folder, wirt)


def work(folder: Path, wirt: peers.Engine) -> None:
    """The program, natively and in a micro guest."""
    place = folder / "work"
    place.mkdir()
    subprocess.run(["gcc", "-O2", "-static", "-o", str(place / "work"), str(PROGRAM)], check=True)
    (place / "file").write_bytes(bytes(FILE_SIZE))
    native = subprocess.run([place / "work", place / "file"], capture_output=True, text=True, check=True).stdout
    volume = f"{place}:/data:ro"
    words = ("run", "--rm", "--kind=micro", "--network=none", "-v", volume, peers.IMAGE, "/data/work", "/data/file")
    results = {"native": _parse(native), "micro": _parse(wirt.call(*words))}
    print(f"\nwork\n\n  {'':<32} {'native':>10} {'micro':>10}")
    for name, value in results["native"].items():
        inside = results["micro"][name]
        print(f"  {name:<32} {value:>10.3f} {inside:>10.3f}  {inside / value:6.2f} x")
    measure.record("micro-work", [{"label": label, **values} for label, values in results.items()])


def _parse(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


if __name__ == "__main__":
    main()
