"""What work costs in a micro guest, natively beside it: system calls, computing, whole programs of this host's.

System calls: ``programs/work.c``, those that the guest answers by itself, those that leave it, reading the clock, a
file in blocks of 1 MiB. Programs are this host's, whose /usr the guest has as a volume; of several times the fastest.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import measure
import peers

__all__ = ["HOST", "host_root", "show"]

HOST = "host"  # an image that is nothing but this host's way to /usr
PROGRAMS = Path(__file__).parent / "programs"
FLAGS = {"work": ["-O2"], "spawn": ["-O2"], "matrix": ["-O2", "-mavx"]}
FILE_SIZE = 64 << 20
OBJECT = "/tmp/wirt-bench.o"  # what gcc makes, in the guest and here
LOOP = """
from time import perf_counter
def loop():
    start = perf_counter()
    for number in range(1000000): pass
    return perf_counter() - start
print(min(loop() for turn in range(8)) * 1000)
"""

# What a program prints is the value; it is run where the programs are.
VALUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("start_true_ms", ("./spawn", "7", "/usr/bin/true")),
    ("start_python_ms", ("./spawn", "7", "/usr/bin/python3", "-S", "-c", "pass")),
    ("gcc_O2_ms", ("./spawn", "2", "/usr/bin/gcc", "-O2", "-c", "-o", OBJECT, "work.c")),
    ("avx_matrix_ms", ("./matrix",)),
    ("python_loop_ms", ("/usr/bin/python3", "-S", "-c", LOOP)),
)


def show(folder: Path, wirt: peers.Engine) -> None:
    """Everything, natively and in a micro guest."""
    place = folder / "data"
    place.mkdir()
    for name, flags in FLAGS.items():
        source = PROGRAMS / f"{name}.c"
        subprocess.run(["gcc", *flags, "-static", "-o", str(place / name), str(source)], check=True)
    (place / "work.c").write_bytes((PROGRAMS / "work.c").read_bytes())
    (place / "file").write_bytes(bytes(FILE_SIZE))
    wirt.call("image", "import", "-", HOST, data=host_root())
    try:
        rows = {"native": _values(place, [], {}), "micro": _values(place, _inside(place, wirt), wirt.env)}
    finally:
        Path(OBJECT).unlink(missing_ok=True)
    print(f"\nwork\n\n  {'':<32} {'native':>10} {'micro':>10}")
    for name, value in rows["native"].items():
        inside = rows["micro"][name]
        print(f"  {name:<32} {value:>10.3f} {inside:>10.3f}  {inside / value:6.2f} x")
    measure.record("micro-work", [{"label": label, **values} for label, values in rows.items()])


def _inside(place: Path, wirt: peers.Engine) -> list[str]:
    volumes = ("-v", f"{place}:/data:ro", "-v", "/usr:/usr:ro")
    return [*wirt.prefix, "run", "--rm", "--kind=micro", "--network=none", *volumes, "-w", "/data", HOST]


def _values(place: Path, prefix: list[str], env: dict[str, str]) -> dict[str, float]:
    def output(*argv: str) -> str:
        environment = {**os.environ, **env}
        return subprocess.run(
            [*prefix, *argv], capture_output=True, text=True, check=True, cwd=place, env=environment
        ).stdout

    found = {name: float(value) for name, value in map(str.split, output("./work", "file").splitlines())}
    return found | {name: float(output(*argv)) for name, argv in VALUES}


def host_root(*files: str) -> bytes:
    """A root whose folders lead to /usr, as Debian has them, and ``files`` of this host with what they are links to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("usr", "etc", "tmp", "data", "dev", "proc", "sys"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(entry)
        for name in ("bin", "sbin", "lib", "lib64"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(entry)
        for path in ("/etc/ld.so.cache", *files):
            real = str(Path(path).resolve())
            archive.add(real, real.lstrip("/"))
            if path != real:
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.type, entry.linkname = tarfile.SYMTYPE, real
                archive.addfile(entry)
    return buffer.getvalue()
