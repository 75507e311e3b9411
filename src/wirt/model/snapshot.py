"""A guest as it was at a moment."""

from __future__ import annotations

from dataclasses import dataclass

from wirt.model.guest import GuestSpec, Kind

__all__ = ["ForkRequest", "Snapshot", "SnapshotRequest"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``image_id``: its files, an image; ``memory``: bytes of its memory that were written down. ``guest``: its name.

    ``own_image``: that image was made for it, or for another snapshot, and goes with the last who needs it.
    ``spec``: what was asked for when that guest was made, so that others can be made as it was.
    """

    id: str  # 64 hex digits
    name: str
    created: float
    kind: Kind
    guest: str
    image_id: str
    spec: GuestSpec
    platform: str  # of its virtual processor: kvm or software
    memory: int
    own_image: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """``name`` "": one is invented from the guest's."""

    guest: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class ForkRequest:
    """``count`` guests that go on where one is now. ``name``: what their names begin with; "": that guest's name."""

    count: int = 1
    name: str = ""
