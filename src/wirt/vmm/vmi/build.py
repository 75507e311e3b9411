"""Builds the function library beside its sources: ``library.bin``, ``vdso.so`` and, for the monitor, ``sample.so``.

Run by setup.py, which loads this file by its path, and by hand: ``python src/wirt/vmm/vmi/build.py``. It imports
nothing of wirt's, as wirt is not installed yet, and builds only what is older than its sources.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

__all__ = ["build"]

HERE = Path(__file__).resolve().parent
_COMMON = ("-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fno-ident")
_VDSO = (
    *("-ffreestanding", "-nostdlib", "-fno-stack-protector", "-fno-builtin", "-fcf-protection=none", "-mno-sse"),
    *("-fasynchronous-unwind-tables", "-fvisibility=hidden", "-mcmodel=small", "-fno-jump-tables", "-shared"),
    *("-Wl,-soname,linux-vdso.so.1", "-Wl,--hash-style=both", "-Wl,--build-id=sha1", "-Wl,--eh-frame-hdr"),
    *("-Wl,-Bsymbolic", "-Wl,-z,max-page-size=4096", "-Wl,-z,noexecstack", "-Wl,--no-undefined", "-Wl,-s"),
    *("-Wl,-z,norelro", "-Wl,-z,noseparate-code"),
)
# output: (sources that gcc gets, what else it depends on, options)
_PARTS = {
    "vdso.so": (("vdso.c",), ("vmi.h", "vdso.lds"), (*_VDSO, "-Wl,-T,vdso.lds")),
    "sample.so": (("sample.c",), (), ("-shared",)),
    "library.o": (("entry.S",), ("vmi.h",), ("-c",)),
}


def build(*, anew: bool = False) -> list[Path]:
    """Make what is missing or older than its sources; returns the files that are package data.

    ``anew`` makes everything. Raises CalledProcessError or OSError where there is no compiler that can.
    """
    for output, (sources, others, options) in _PARTS.items():
        if anew or not _is_fresh(_final(output), (*sources, *others, "build.py")):
            _compile(output, sources, options)
    return [HERE / _final(output) for output in _PARTS]


def _compile(output: str, sources: tuple[str, ...], options: tuple[str, ...]) -> None:
    compiler = os.environ.get("CC", "gcc").split()
    partial = f".{output}.{os.getpid()}"  # renamed when complete: a guest may start meanwhile
    try:
        _run(*compiler, *_COMMON, *options, "-o", partial, *sources)
        if output.endswith(".o"):
            _run("objcopy", "-O", "binary", "-j", ".library", partial)
        (HERE / partial).replace(HERE / _final(output))
    finally:
        (HERE / partial).unlink(missing_ok=True)


def _run(*words: str) -> None:
    subprocess.run(words, cwd=HERE, check=True)


def _final(output: str) -> str:
    return output.removesuffix(".o") + ".bin" if output.endswith(".o") else output


def _is_fresh(output: str, sources: tuple[str, ...]) -> bool:
    try:
        made = (HERE / output).stat().st_mtime_ns
    except FileNotFoundError:
        return False
    return all((HERE / source).stat().st_mtime_ns <= made for source in sources)


if __name__ == "__main__":
    build(anew=True)
