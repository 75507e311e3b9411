"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a guest: files of its own, mounted over the image's."""

from __future__ import annotations

from pathlib import Path

from wirt.model.guest import MountPoint, MountType

__all__ = ["host_file_mounts", "write_host_files"]

_FILES = ("resolv.conf", "hostname", "hosts")


def write_host_files(folder: Path, *, hostname: str, hosts: str, resolv: str) -> None:
    """Written in place: the files are mounted in the guest, and a rename would not reach it."""
    for name, text in (("hostname", hostname + "\n"), ("hosts", hosts), ("resolv.conf", resolv)):
        (folder / name).write_text(text, encoding="utf-8")


def host_file_mounts(folder: Path, taken: set[str]) -> tuple[MountPoint, ...]:
    """The mounts for them, but for what the user mounts there himself."""
    return tuple(
        MountPoint(MountType.BIND, str(folder / name), f"/etc/{name}", propagation="rprivate")
        for name in _FILES
        if f"/etc/{name}" not in taken
    )
