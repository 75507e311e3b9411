"""The smallest image: one static program under 270 names, from Debian's busybox-static, in a root made here."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wirt.errors import CorruptData
from wirt.host.tar_reader import TarReader
from wirt.image.apt import Apt

__all__ = ["rootfs"]

_MAX_PROGRAM = 16 * 1024 * 1024
_FOLDERS = {
    **dict.fromkeys(("bin", "dev", "etc", "home", "mnt", "proc", "run", "sbin", "srv", "sys", "usr", "var"), 0o755),
    **dict.fromkeys(("usr/bin", "usr/sbin", "usr/local", "usr/local/bin", "var/log", "var/spool", "var/www"), 0o755),
    "root": 0o700,
    "tmp": 0o1777,
    "var/tmp": 0o1777,
}
_FILES = {
    "etc/passwd": (
        0o644,
        "root:x:0:0:root:/root:/bin/sh\n"
        "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
        "www-data:x:33:33:www-data:/var/www:/bin/false\n"
        "nobody:x:65534:65534:nobody:/home:/bin/false\n",
    ),
    "etc/group": (0o644, "root:x:0:\ndaemon:x:1:\ntty:x:5:\nwww-data:x:33:\nusers:x:100:\nnogroup:x:65534:\n"),
    "etc/shadow": (0o640, "root:*:::::::\ndaemon:*:::::::\nwww-data:*:::::::\nnobody:*:::::::\n"),
    "etc/nsswitch.conf": (0o644, "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    "etc/shells": (0o644, "/bin/sh\n/bin/ash\n"),
}


def rootfs(cache: Path) -> tuple[bytes, float]:
    """(A plain tar of the root file system, when its program was made in seconds since 1970).

    The same package gives the same bytes. Unavailable: no apt, or no way to the package.
    """
    package = Apt(cache / "busybox").download("busybox-static", cache / "busybox" / "archives")
    program, made = _program(package)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in _members(program, _applets(program, cache)):
            info.mtime = made
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue(), made


def _program(package: Path) -> tuple[bytes, int]:
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101
        reader = TarReader(process.stdout)
        for entry in reader:
            if entry.name.endswith("bin/busybox") and entry.type == tarfile.REGTYPE:
                program = reader.read(_MAX_PROGRAM)
                process.stdout.read()  # dpkg-deb must not find its pipe closed
                return program, entry.mtime // 10**9
    raise CorruptData(f"{package.name} has no busybox in it", hint=f"delete {package} and try again")


def _applets(program: bytes, cache: Path) -> list[str]:
    """The names it answers to, as paths: "bin/sh"."""
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        path = Path(folder) / "busybox"
        path.write_bytes(program)
        path.chmod(0o755)
        listed = subprocess.run([path, "--list-full"], capture_output=True, text=True, check=True).stdout
    return sorted(set(listed.split()) - {"bin/busybox"})


def _members(program: bytes, applets: list[str]) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for name, mode in sorted(_FOLDERS.items()):
        yield _info(name, tarfile.DIRTYPE, mode), b""
    for name, (mode, text) in sorted(_FILES.items()):
        yield _info(name, tarfile.REGTYPE, mode, len(text)), text.encode()
    yield _info("bin/busybox", tarfile.REGTYPE, 0o755, len(program)), program
    for name in applets:
        folder, _, _ = name.rpartition("/")
        if folder not in _FOLDERS:  # "linuxrc" and such, for a system that boots
            continue
        info = _info(name, tarfile.SYMTYPE, 0o777)
        info.linkname = "busybox" if folder == "bin" else f"{'../' * (folder.count('/') + 1)}bin/busybox"
        yield info, b""


def _info(name: str, kind: bytes, mode: int, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size = kind, mode, size
    return info
