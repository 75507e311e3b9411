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
    """``0.0.0.0:8080->80/tcp``, comma-separated."""
    shown = []
    for port in ports:
        address = port["host_ip"] or "0.0.0.0"  # noqa: S104 - shown, not bound
        address = f"[{address}]" if ":" in address else address
        host = f"{address}:{port['host_port']}->" if port["host_port"] else ""
        shown.append(f"{host}{port['guest_port']}/{port['protocol']}")
    return ", ".join(shown)


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
