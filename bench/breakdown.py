"""Where the time of one ``wirt run --rm --network=none busybox true`` goes, from the outside in.

Each row holds the one before it and something more: the shell that the command begins with, the interpreter, our
imports; then, from a client that is running already, the request alone, to the answer and to the guest's exit; at the
end the whole command. The bare runtime stands beside them.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import lab
import measure
import peers

EXIT = 3  # the type of the last frame (docs/architecture.md, "Streams")
LOADED = "import sys; sys.path += {path!r}; import wirt.cli.main, wirt.cli.verbs.run"


@dataclass(frozen=True, slots=True)
class Request:
    """``POST /v1/guests/run`` as the command sends it, from here: no process starts on our side.

    ``whole``: until the guest's exit; otherwise until the daemon has answered that it takes the request.
    """

    label: str
    address: Path
    network: str
    whole: bool = True

    def time(self, turn: int) -> float:  # noqa: ARG002 - the daemon finds fresh names itself
        spec = {"image": peers.IMAGE, "command": ["true"], "network": self.network, "auto_remove": True}
        body = json.dumps({"spec": spec, "stdout": True, "stderr": True}).encode()
        head = (
            "POST /v1/guests/run HTTP/1.1\r\nHost: wirt\r\nConnection: Upgrade\r\nUpgrade: wirt\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        start = time.perf_counter()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.address))
            sock.sendall(head.encode() + body)
            answer = sock.recv(65536)
            taken = time.perf_counter()
            if b" 101 " not in answer[:16]:
                sys.exit(f"bench: {answer.decode(errors='replace')}")
            frames = answer.partition(b"\r\n\r\n")[2]
            while not frames.startswith(bytes([EXIT])):  # `true` writes nothing: its exit is the only frame
                frames += sock.recv(65536)
            ended = time.perf_counter()
        return ((ended if self.whole else taken) - start) * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=30, help="how often each is done")
    chosen = options.parse_args()
    folder = lab.enter(peers.fetch)
    engine = peers.wirt(folder)
    address = Path(engine.env["WIRT_RUN"]) / "wirt.sock"
    path = [entry for entry in sys.path if (Path(entry) / "wirt").is_dir()]
    rows = measure.in_turn(
        [
            measure.Command("sh, and nothing", ("/bin/sh", "-c", ":")),
            measure.Command("the interpreter, and nothing", (sys.executable, "-IS", "-c", "pass")),
            measure.Command("and the command's imports", (sys.executable, "-IS", "-c", LOADED.format(path=path))),
            Request("request to answer", address, "none", whole=False),
            Request("request to exit", address, "none"),
            Request("request to exit, default network", address, "bridge"),
            engine.run("none"),
            engine.run(),
            peers.runc(folder).run(),
        ],
        chosen.rounds,
    )
    measure.show("one `wirt run`, taken apart", rows)
    measure.record("breakdown", [asdict(row) for row in rows])


if __name__ == "__main__":
    main()
