"""Volumes: the verbs, and turning what a guest asked for into mounts."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from wirt.engine.departures import Departures
from wirt.engine.events import Events
from wirt.engine.filters import Filters, keep, matches_label, matches_name, truth
from wirt.engine.registry import Registry
from wirt.errors import InvalidInput, NotFound
from wirt.model.guest import Guest, Mount, MountPoint, MountType
from wirt.model.network import Volume, VolumeSpec
from wirt.model.wire import Pruned
from wirt.storage.volumes import Volumes

__all__ = ["VolumeService"]


class VolumeService:
    """``volumes`` keeps them on disk; this knows which guests use them."""

    def __init__(self, volumes: Volumes, registry: Registry, departures: Departures, events: Events) -> None:
        self._volumes = volumes
        self._registry = registry
        self._departures = departures
        self._events = events

    # -- verbs -------------------------------------------------------------------------------------

    async def create(self, spec: VolumeSpec) -> Volume:
        volume = await asyncio.to_thread(self._volumes.create, spec)
        self._events.publish("volume", "create", volume.name, driver=volume.driver)
        return volume

    async def list(self, filters: Filters) -> Sequence[Volume]:
        await self._departures.over()
        used = self._in_use()
        tests: dict[str, Callable[[Volume, str], bool]] = {
            "name": lambda volume, value: matches_name(volume.name, value),
            "label": lambda volume, value: matches_label(volume.labels, value),
            "driver": lambda volume, value: volume.driver == value,
            "dangling": lambda volume, value: (volume.name not in used) == truth(value),
        }
        return keep(await asyncio.to_thread(self._volumes.list), filters, tests, "volumes")

    async def view(self, name: str) -> Volume:
        return await asyncio.to_thread(self._volumes.get, name)

    async def remove(self, name: str, *, force: bool = False) -> None:
        await self._departures.over()
        try:
            await asyncio.to_thread(self._volumes.remove, name, in_use=self._in_use())
        except NotFound:
            if not force:
                raise
            return
        self._events.publish("volume", "destroy", name)

    async def prune(self, *, show_all: bool, filters: Filters) -> Pruned:
        """Anonymous volumes that no guest uses; with ``show_all`` named ones too."""
        volumes = await self.list(filters)
        used = self._in_use()
        deleted, reclaimed = [], 0
        for volume in volumes:
            if volume.name in used or not (volume.anonymous or show_all):
                continue
            reclaimed += await asyncio.to_thread(self._volumes.remove, volume.name, in_use=used)
            deleted.append(volume.name)
            self._events.publish("volume", "destroy", volume.name)
        return Pruned(tuple(deleted), reclaimed)

    def _in_use(self) -> dict[str, str]:
        """Volume name -> the name of a guest that has it."""
        return {mount.name: guest.name for guest in self._registry for mount in guest.mounts if mount.name}

    # -- for guests --------------------------------------------------------------------------------

    def resolve(self, mounts: tuple[Mount, ...], volumes_from: tuple[str, ...]) -> tuple[MountPoint, ...]:
        """The mounts of a new guest. Named volumes are made when missing, anonymous ones always."""
        points = {point.destination: point for point in self._inherited(volumes_from)}
        for mount in mounts:
            points[mount.target] = self._point(mount)
        return tuple(points.values())

    def _inherited(self, volumes_from: tuple[str, ...]) -> Sequence[MountPoint]:
        points: Sequence[MountPoint] = ()
        for ref in volumes_from:
            name, _, mode = ref.partition(":")
            if mode not in ("", "ro", "rw"):
                raise InvalidInput(f"{ref!r}: a guest's volumes are taken over as ro or rw")
            points = [
                *points,
                *(
                    dataclasses.replace(point, read_only=point.read_only or mode == "ro")
                    for point in self._registry.find(name).mounts
                ),
            ]
        return points

    def _point(self, mount: Mount) -> MountPoint:
        point = MountPoint(
            mount.type,
            "",
            mount.target,
            read_only=mount.read_only,
            propagation=mount.propagation or "rprivate",
            options=mount.options,
        )
        match mount.type:
            case MountType.TMPFS:
                return dataclasses.replace(point, propagation="", options=_tmpfs_options(mount))
            case MountType.BIND:
                return dataclasses.replace(point, source=_bind_source(mount))
            case MountType.VOLUME:
                volume = self._volumes.create(VolumeSpec(mount.source))
                options = (*mount.options, "nocopy") if mount.no_copy else mount.options
                return dataclasses.replace(point, source=volume.mountpoint, name=volume.name, options=options)

    def make_ready(self, guest: Guest, rootfs: Path) -> tuple[MountPoint, ...]:
        """Before a start: check that bind sources are there still, fill fresh volumes, mount what has to be mounted."""
        points = []
        for point in guest.mounts:
            if point.type is MountType.BIND and not os.path.lexists(point.source):
                raise InvalidInput(
                    f"the bind mount's source {point.source} does not exist", hint="make it, or remove the guest"
                )
            ready = point
            if point.type is MountType.VOLUME:
                copy = "nocopy" not in point.options
                source = self._volumes.use(point.name, guest.id, rootfs=rootfs, target=point.destination, copy=copy)
                options = tuple(option for option in point.options if option != "nocopy")
                ready = dataclasses.replace(point, source=str(source), options=options)
            points.append(ready)
        return tuple(points)

    def let_go(self, guest: Guest) -> None:
        """After an end: what was mounted for the guest alone is unmounted."""
        for point in guest.mounts:
            if point.type is MountType.VOLUME:
                self._volumes.release(point.name, guest.id)

    def remove_anonymous(self, guest: Guest) -> None:
        """With the guest that was their only user."""
        used = {mount.name for other in self._registry if other.id != guest.id for mount in other.mounts}
        for point in guest.mounts:
            if point.type is MountType.VOLUME and point.name not in used and self._volumes.is_anonymous(point.name):
                self._volumes.remove(point.name, in_use={})


def _bind_source(mount: Mount) -> str:
    source = mount.source
    if not source.startswith("/"):
        raise InvalidInput(f"the bind mount's source {source!r} is not an absolute path", hint="begin it with /")
    if not os.path.lexists(source):
        if not mount.create_source:
            raise InvalidInput(
                f"the bind mount's source {source} does not exist", hint="make it first, or use -v, which makes it"
            )
        Path(source).mkdir(parents=True)
    return source


def _tmpfs_options(mount: Mount) -> tuple[str, ...]:
    options = list(mount.options)
    if mount.size is not None:
        options.append(f"size={mount.size}")
    if mount.mode is not None:
        options.append(f"mode={mount.mode:o}")
    return tuple(options)
