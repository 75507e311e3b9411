"""An archive of a root with busybox and the Python that runs the tests, for ``wirt image import``."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

__all__ = ["python_root"]

_UNNEEDED = re.compile(
    r"/(site-packages|test|tests|idlelib|tkinter|ensurepip|turtledemo|lib2to3|config-\S*|__pycache__)$"
)
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n"


def python_root(target: Path, *files: Path) -> None:
    """Write the archive to ``target``, with ``files`` at its top. Needs busybox-static; the rest is our own."""
    interpreter = Path(sys.executable).resolve()
    library = sysconfig.get_paths()["stdlib"]
    extensions = [str(path) for path in Path(library, "lib-dynload").glob("*.so")]
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing (Debian: busybox-static)"
    with tarfile.open(target, "w") as archive:
        for folder in ("bin", "etc", "proc", "sys", "dev", "tmp", "root", "usr/bin"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            archive.addfile(entry)
        archive.add(Path(busybox).resolve(), "bin/busybox")
        for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
            if applet != "busybox":
                archive.addfile(_link(f"bin/{applet}", "busybox"))
        archive.add(interpreter, str(interpreter)[1:])
        archive.addfile(_link("usr/bin/python3", str(interpreter)))
        archive.add(library, library[1:], filter=_needed)
        for path in _libraries([str(interpreter), *extensions]):
            archive.add(Path(path).resolve(), path[1:])
        archive.addfile(*_file("etc/passwd", _PASSWD))
        for path in files:
            archive.add(path, path.name)


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if _UNNEEDED.search(entry.name) or entry.name.endswith(".a") else entry


def _libraries(programs: list[str]) -> list[str]:
    """The shared libraries of all of them, ld.so(8) included."""
    said = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    return sorted(set(re.findall(r"(/\S+\.so\S*) \(0x", said)))


def _link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    return entry


def _file(name: str, content: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    return entry, io.BytesIO(content)
