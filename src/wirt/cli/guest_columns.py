"""The columns of ``wirt ps``."""

from __future__ import annotations

from wirt.cli.human import ago, date, decimal_size, familiar, short_id
from wirt.cli.listing import Column, labels_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["COLUMNS", "ports_text"]


def _size(guest: dict[str, Any]) -> str:
    if guest.get("size_rw") is None:
        return ""
    return f"{decimal_size(guest['size_rw'])} (virtual {decimal_size(guest['size_rw'] + (guest['size_root_fs'] or 0))})"


def ports_text(ports: list[dict[str, Any]]) -> str:
    """``0.0.0.0:8080->80/tcp, 9000-9003/udp``: neighbours in one range, as far as they lead to neighbours."""
    runs: list[tuple[str, int, int, int, str]] = []  # address, first port of the host (0: none), first, last, protocol
    for port in sorted(ports, key=lambda port: (port["protocol"], port["host_ip"], port["guest_port"])):
        address, protocol = port["host_ip"] or "0.0.0.0", port["protocol"]  # noqa: S104 - shown, not bound
        host, guest = port["host_port"], port["guest_port"]
        if runs:
            last_address, first_host, first, last, last_protocol = runs[-1]
            host_follows = host == first_host + guest - first if first_host else not host
            if (address, protocol, guest) == (last_address, last_protocol, last + 1) and host_follows:
                runs[-1] = (address, first_host, first, guest, protocol)
                continue
        runs.append((address, host, guest, guest, protocol))
    return ", ".join([_run_text(*run) for run in runs])


def _run_text(address: str, host: int, first: int, last: int, protocol: str) -> str:
    guest = f"{_range(first, last)}/{protocol}"
    if not host:
        return guest
    return f"{f'[{address}]' if ':' in address else address}:{_range(host, host + last - first)}->{guest}"


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


COLUMNS = (
    Column("ID", "GUEST ID", lambda guest: short_id(guest["id"]), full="id"),
    Column("Image", "IMAGE", lambda guest: familiar(guest["image"])),
    Column("Command", "COMMAND", lambda guest: f'"{guest["command"]}"'),
    Column("RunningFor", "CREATED", lambda guest: ago(guest["created"])),
    Column("Status", "STATUS", "status"),
    Column("Ports", "PORTS", lambda guest: ports_text(guest["ports"])),
    Column("Names", "NAMES", "name"),
    Column("Kind", "KIND", "kind"),
    Column("Size", "SIZE", _size),
    Column("CreatedAt", "CREATED AT", lambda guest: date(guest["created"])),
    Column("State", "STATE", "state"),
    Column("Labels", "LABELS", labels_text),
    Column("Mounts", "MOUNTS", lambda guest: ",".join(guest["mounts"])),
    Column("Networks", "NETWORKS", lambda guest: ",".join(guest["networks"])),
)
