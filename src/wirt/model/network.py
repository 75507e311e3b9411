"""Networks and volumes as the engine and the API see them."""

from __future__ import annotations

from dataclasses import dataclass, field

from wirt.model.guest import Endpoint

__all__ = ["Network", "NetworkSpec", "NetworkView", "Volume", "VolumeSpec"]


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """``wirt network create``. ``subnet`` "": choose a free one. ``internal``: no way out. ``driver``: bridge."""

    name: str
    driver: str = "bridge"
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    internal: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """A network as it is kept. ``bridge`` is the interface on the host ("" for host and none)."""

    id: str
    name: str
    driver: str  # bridge | host | null
    created: float
    subnet: str = ""
    gateway: str = ""
    ip_range: str = ""
    bridge: str = ""
    internal: bool = False
    dns: bool = False  # user-defined networks resolve names
    builtin: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetworkView:
    network: Network
    guests: dict[str, Endpoint]  # by guest id


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    name: str = ""
    driver: str = "local"
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)  # local: type, o, device, as in mount(8)


@dataclass(frozen=True, slots=True)
class Volume:
    name: str
    driver: str
    mountpoint: str
    created: float
    anonymous: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
