"""What wirt keeps on this host's disk, and how much of it nobody needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wirt.engine.lifecycle import ACTIVE
from wirt.engine.settings import Paths
from wirt.host.trees import tree_size
from wirt.image import ImageStore
from wirt.model.guest import Guest, GuestState
from wirt.model.host import DiskUsage, Kept, KeptThing
from wirt.storage.volumes import Volumes

__all__ = ["measure"]


def measure(paths: Paths, guests: Sequence[Guest], images: ImageStore, volumes: Volumes) -> DiskUsage:
    """Looks at every file of guests, volumes and cache: for a thread, and a matter of seconds where there are many."""
    guests = [guest for guest in guests if guest.state is not GuestState.REMOVING]
    return DiskUsage(
        images=_images(images, guests),
        guests=_sum([_guest(paths, guest) for guest in guests]),
        volumes=_sum(_volumes(volumes, guests)),
        cache=_sum(_cache(paths.state / "cache")),
    )


def _images(store: ImageStore, guests: Sequence[Guest]) -> Kept:
    """The total is less than the sum: images share layers, and those count once."""
    users = Counter(guest.image_id for guest in guests)
    usage = store.usage(users)
    things = [
        KeptThing(image.id, ", ".join(image.names), image.size, users[image.id], active=image.id in users)
        for image in store.list()
    ]
    active = sum(thing.active for thing in things)
    return Kept(len(things), active, usage.archives + usage.layers, usage.reclaimable, tuple(things))


def _guest(paths: Paths, guest: Guest) -> KeptThing:
    written = tree_size(paths.guest(guest.id) / "upper")
    return KeptThing(guest.id, guest.name, written, 0, active=guest.state in ACTIVE)


def _volumes(volumes: Volumes, guests: Sequence[Guest]) -> list[KeptThing]:
    users = Counter(mount.name for guest in guests for mount in guest.mounts if mount.name)
    things = []
    for volume in volumes.list():
        # With options, something of another disk is mounted there.
        size = 0 if volume.options else tree_size(Path(volume.mountpoint))
        things.append(KeptThing(volume.name, volume.name, size, users[volume.name], active=volume.name in users))
    return things


def _cache(folder: Path) -> list[KeptThing]:
    """What is downloaded again where it is missing."""
    parts = sorted(folder.iterdir()) if folder.exists() else []
    return [KeptThing(str(part), part.name, tree_size(part), 0, active=False) for part in parts if part.is_dir()]


def _sum(things: Sequence[KeptThing]) -> Kept:
    size = sum(thing.size for thing in things)
    needed = sum(thing.size for thing in things if thing.active)
    return Kept(len(things), sum(thing.active for thing in things), size, size - needed, tuple(things))
