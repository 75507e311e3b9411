"""/etc/hosts, /etc/hostname and /etc/resolv.conf of a guest: files of its own, mounted over the image's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wirt.errors import InvalidInput
from wirt.model.guest import Endpoint, Guest, MountPoint, MountType

__all__ = ["FILES", "host_file_mounts", "hosts_text", "write_host_files"]

FILES = ("resolv.conf", "hostname", "hosts")

_LOCAL = (
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
)


def hosts_text(guest: Guest, endpoints: Iterable[Endpoint], gateway: str) -> str:
    """The lines of hosts(5); ``gateway`` is what ``host-gateway`` in an extra host stands for."""
    lines = [_LOCAL]
    for entry in guest.spec.extra_hosts:
        name, separator, address = entry.partition(":")
        if not separator or not name or not address:
            raise InvalidInput(f"{entry!r} is no extra host", hint="write name:address")
        lines.append(f"{gateway if address == 'host-gateway' else address}\t{name}\n")
    names = guest.hostname
    if guest.spec.domainname:
        names = f"{guest.hostname}.{guest.spec.domainname} {guest.hostname}"
    lines += [f"{endpoint.ip_address}\t{names}\n" for endpoint in endpoints if endpoint.ip_address]
    return "".join(lines)


def write_host_files(folder: Path, *, hostname: str, hosts: str, resolv: str) -> None:
    """Written in place: the files are mounted in the guest, and a rename would not reach it."""
    for name, text in (("hostname", hostname + "\n"), ("hosts", hosts), ("resolv.conf", resolv)):
        (folder / name).write_text(text, encoding="utf-8")


def host_file_mounts(folder: Path, taken: set[str]) -> tuple[MountPoint, ...]:
    """The mounts for them, but for what the user mounts there himself."""
    return tuple(
        MountPoint(MountType.BIND, str(folder / name), f"/etc/{name}", propagation="rprivate")
        for name in FILES
        if f"/etc/{name}" not in taken
    )
