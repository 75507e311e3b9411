"""``make demo``: makes two images from Debian's packages, starts guests of every kind there is, and tells how it went.

Everything here is what a person could type: the commands are printed as they run, timed from start to end. Guests,
network and volume made here are removed at the end; the images stay, so the next demo takes seconds.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WIRT = Path(sys.executable).with_name("wirt")
SOURCE = Path(__file__).parent.parent / "src"
IMAGES = ("busybox", "debian:bookworm")
WEB, NETWORK, VOLUME = "demo-web", "demo-net", "demo-data"
TOGETHER = 10

# What is shown of every kind of guest: what it is about, and the words after `wirt run --rm --kind KIND`.
EVERY_KIND = (
    ("a command", ("busybox", "echo", "hello")),
    ("another system, from the same host", ("debian:bookworm", "sh", "-c", '. /etc/os-release; echo "$PRETTY_NAME"')),
    ("no network at all", ("--network=none", "busybox", "sh", "-c", "ip -o link | cut -d: -f2")),
)
COUNTER, FORKS = "demo-count", 3
COUNT = "i=0; while true; do i=$((i + 1)); echo $i; sleep 0.1; done"
SERVER = 'mkdir /www; echo "served by $(hostname)" >/www/index.html; exec httpd -f -h /www'


def main() -> int:
    begun = time.monotonic()
    if os.geteuid() != 0:
        print("demo: needs root: sudo make demo", file=sys.stderr)
        return 1
    _end_stale_daemon()
    _show_host()
    for image in IMAGES:
        _have_image(image)
    with _clean_slate():
        _line("kind", "what it shows", "it says", "took")
        for kind in _kinds():
            _show_kind(kind)
        _show_network()
        _show_many()
        if "micro" in _kinds():
            _show_forks()
    print(
        f"\nAll of it in {time.monotonic() - begun:.1f} s. Now you:  {_short(WIRT)} run --rm -it debian:bookworm bash"
    )
    return 0


def _end_stale_daemon() -> None:
    """A daemon that runs since before this checkout's code last changed would speak for the code it began with.

    Guests do not mind; the next command starts a new one.
    """
    address = Path(os.environ.get("WIRT_RUN", "/run/wirt")) / "wirt.sock"
    newest = max(path.stat().st_mtime for path in SOURCE.rglob("*.py"))
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(address)) or address.stat().st_mtime > newest:
            return
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    daemon = os.pidfd_open(pid)
    signal.pidfd_send_signal(daemon, signal.SIGTERM)
    select.select([daemon], [], [], 30)
    os.close(daemon)


def _show_host() -> None:
    info = json.loads(_wirt("info", "--format", "json"))
    print(f"{info['name']}: {info['os']}, kernel {info['kernel']}, {info['cpus']} processors")
    print(f"containers by {info['runtime']}, control groups {info['cgroup']}, state in {info['state_dir']}\n")


def _kinds() -> list[str]:
    return list(json.loads(_wirt("info", "--format", "json"))["kinds"])


def _have_image(name: str) -> None:
    """Made from Debian's packages, if it is not here already."""
    if subprocess.run([WIRT, "image", "inspect", name], capture_output=True, check=False).returncode == 0:
        print(f"image {name}: here already")
        return
    begun = time.monotonic()
    if code := subprocess.run([WIRT, "image", "bootstrap", name], check=False).returncode:
        sys.exit(code)
    print(f"image {name}: made from Debian's packages in {time.monotonic() - begun:.1f} s")


def _show_kind(kind: str) -> None:
    for what, words in EVERY_KIND:
        said, took = _timed("run", "--rm", "--kind", kind, *words)
        _line(kind, what, said, took)
    _wirt("run", "--rm", "--kind", kind, "-v", f"{VOLUME}:/data", "busybox", "sh", "-c", "echo kept >/data/file")
    said, took = _timed("run", "--rm", "--kind", kind, "-v", f"{VOLUME}:/data", "busybox", "cat", "/data/file")
    _line(kind, "a volume that outlives its guest", said, took)


def _show_network() -> None:
    """A web server in one guest: asked from the host, by its name from another guest, and looked into."""
    _wirt("network", "create", NETWORK)
    words = ("-d", "--name", WEB, "--network", NETWORK, "-p", "127.0.0.1::80", "busybox", "sh", "-c", SERVER)
    _, took = _timed("run", *words)
    address = _wirt("port", WEB, "80").splitlines()[0]
    _line("container", "a web server in the background", f"on {address}", took)
    begun = time.perf_counter()
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as answer:
        said = answer.read().decode().strip()
    _line("", "asked through its published port", said, _since(begun))
    said, took = _timed("run", "--rm", "--network", NETWORK, "busybox", "wget", "-qO-", f"http://{WEB}/")
    _line("container", "asked by name from another guest", said, took)
    said, took = _timed("exec", WEB, "cat", "/proc/1/comm")
    _line("container", "its first process, seen from inside", said, took)


def _show_many() -> None:
    begun = time.perf_counter()
    names = [f"demo-{number}" for number in range(TOGETHER)]
    started = [_start("run", "-d", "--name", name, "busybox", "sleep", "1000") for name in names]
    codes = [process.wait() for process in started]
    _line("container", f"{TOGETHER} guests at once", f"{codes.count(0)} run", _since(begun))


def _show_forks() -> None:
    """A program that counts, and clones of it that count on; where it spends its time."""
    _, took = _timed("run", "-d", "--kind", "micro", "--name", COUNTER, "busybox", "sh", "-c", COUNT)
    _line("micro", "a program that counts", "started", took)
    time.sleep(1)
    _, took = _timed("fork", COUNTER, str(FORKS))
    time.sleep(0.5)
    firsts = [(_wirt("logs", f"{COUNTER}-{number}").split() or ["?"])[0] for number in range(1, FORKS + 1)]
    _line("micro", f"{FORKS} clones of it, memory and all", f"they go on with {', '.join(firsts)}", took)
    begun = time.perf_counter()
    traced = subprocess.run([WIRT, "trace", "--format", "json", "busybox", "true"], capture_output=True, check=True)
    calls = [entry["name"] for entry in map(json.loads, traced.stderr.splitlines()) if entry["kind"] == "call"]
    _line("micro", "the system calls of `true`, traced", f"{len(calls)}, from {calls[0]} to {calls[-1]}", _since(begun))


@contextmanager
def _clean_slate() -> Iterator[None]:
    """Nothing of an earlier demo before, nothing of this one after."""
    _clean()
    try:
        yield
    finally:
        _clean()


def _clean() -> None:
    names = [name for name in _wirt("ps", "-a", "--format", "{{.Names}}").split() if name.startswith("demo-")]
    for words in (["rm", "-f", *names], ["network", "rm", NETWORK], ["volume", "rm", VOLUME]):
        if len(words) > 2:
            subprocess.run([WIRT, *words], capture_output=True, check=False)


def _timed(*words: str) -> tuple[str, str]:
    """What a command printed and how long it took."""
    begun = time.perf_counter()
    said = _wirt(*words)
    return said, _since(begun)


def _wirt(*words: str) -> str:
    done = subprocess.run([WIRT, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"demo: {_short(WIRT)} {shlex.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def _start(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([WIRT, *words], stdout=subprocess.DEVNULL)


def _since(begun: float) -> str:
    return f"{(time.perf_counter() - begun) * 1000:.0f} ms"


def _line(kind: str, what: str, said: str, took: str) -> None:
    print(f"  {kind:<10} {what:<36} {said:<34} {took:>8}", flush=True)


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    sys.exit(main())
