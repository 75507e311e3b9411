"""Images as the engine and the API see them."""

from __future__ import annotations

from dataclasses import dataclass, field

from wirt.model.guest import HealthCheck

__all__ = ["HistoryEntry", "ImageConfig", "ImageDeletion", "ImageSummary", "ImageUsage", "ImageView", "Progress"]


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """The part of an OCI image configuration that a guest inherits."""

    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workdir: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()  # "80/tcp"
    labels: dict[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    healthcheck: HealthCheck | None = None
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One step of an image's making, newest first; ``size`` in bytes of its unpacked layer, 0 for an empty one."""

    created: float
    created_by: str
    size: int
    comment: str = ""
    empty_layer: bool = False


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """A line of ``wirt image ls``. ``names``: every full reference ("docker.io/library/busybox:latest"), maybe none."""

    id: str  # "sha256:..." of the configuration
    names: tuple[str, ...]
    created: float
    size: int  # bytes of all unpacked layers
    labels: dict[str, str]
    digest: str  # of the manifest


@dataclass(frozen=True, slots=True)
class ImageView:
    """What ``wirt image inspect`` shows."""

    id: str
    names: tuple[str, ...]
    digest: str
    created: float
    author: str
    architecture: str
    os: str
    variant: str
    size: int
    config: ImageConfig
    layers: tuple[str, ...]  # diff ids, lowest first
    history: tuple[HistoryEntry, ...]


@dataclass(frozen=True, slots=True)
class ImageDeletion:
    """What ``rm`` or ``prune`` did: names taken away, images (and bytes) deleted."""

    untagged: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    reclaimed: int = 0


@dataclass(frozen=True, slots=True)
class ImageUsage:
    """What images take on the disk, in bytes; what several share counts once.

    ``archives``: as they are saved and sent; ``layers``: unpacked; ``reclaimable``: what prune with ``all`` would free.
    """

    images: int
    archives: int
    layers: int
    reclaimable: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of long work. ``total`` 0: unknown. ``done`` and ``total`` in ``unit`` ("bytes", "steps", "")."""

    task: str  # stable while one bar lasts, e.g. a layer's short digest
    text: str = ""  # what a person reads
    done: int = 0
    total: int = 0
    unit: str = "bytes"
