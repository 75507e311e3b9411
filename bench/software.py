"""The emulated processor of micro guests beside qiling, which runs Linux programs on Unicorn, too; and no emulator.

One static program (``programs/count.c``): its start and end alone, and with a loop on integers and a table between.
"""

from __future__ import annotations

import argparse
import subprocess
from dataclasses import asdict
from pathlib import Path

import lab
import measure
import peers

PROGRAM = Path(__file__).parent / "programs" / "count.c"
ROUNDS_OF_THE_LOOP = 20_000_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=7, help="how often each command runs")
    chosen = options.parse_args()
    folder = lab.enter(_fetch)
    program = _built(folder)
    wirt = peers.wirt(folder, platform="software")
    qiling = peers.qiling(program)
    if isinstance(qiling, str):
        print(f"without qiling: {qiling}")
    for name, count in (("start to exit", 0), (f"{ROUNDS_OF_THE_LOOP} rounds of a loop", ROUNDS_OF_THE_LOOP)):
        native = measure.Command("native", (str(program), str(count)))
        volume = ("-v", f"{program.parent}:/c:ro", "--kind=micro", "--network=none")
        commands = [
            native,
            wirt.command("run", "run", "--rm", *volume, peers.IMAGE, f"/c/{program.name}", str(count)),
            *([] if isinstance(qiling, str) else [qiling.run(str(count))]),
        ]
        rows = measure.in_turn(commands, chosen.rounds, warm_up=1)
        ours = rows[1].median
        measure.show(name, rows, lambda row, ours=ours: f"{row.median / ours:5.2f} x wirt")
        measure.record(f"software-{count}", [asdict(row) for row in rows])


def _fetch() -> None:
    peers.fetch()
    peers.fetch_qiling()


def _built(folder: Path) -> Path:
    program = folder / "count" / "count"
    program.parent.mkdir()
    subprocess.run(["gcc", "-O2", "-static", "-o", str(program), str(PROGRAM)], check=True)
    return program


if __name__ == "__main__":
    main()
