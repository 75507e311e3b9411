"""What is in a guest's file system: diff, sizes, export, copying in and out, and making an image of it.

A guest that does not run is mounted for as long as it takes. A running one is looked at through its own root
(``/proc/PID/root``), so that its volumes and temporary file systems are seen as it sees them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO

from wirt.engine.events import Events
from wirt.engine.lifecycle import ACTIVE, Lifecycle
from wirt.engine.registry import Registry
from wirt.engine.settings import Paths
from wirt.host.trees import tree_size
from wirt.image import ImageStore
from wirt.image.changes import apply_changes
from wirt.model.guest import Guest
from wirt.model.host import Change
from wirt.model.image import ImageConfig
from wirt.model.wire import CommitOptions, PathStat
from wirt.storage import archive, overlay
from wirt.storage.changes import changes, placeholders

__all__ = ["Contents"]


class Contents:
    """Blocking work runs in threads; a guest's lock keeps a start or an end from under a mount."""

    def __init__(
        self, *, paths: Paths, registry: Registry, images: ImageStore, lifecycle: Lifecycle, events: Events
    ) -> None:
        self._paths = paths
        self._registry = registry
        self._images = images
        self._lifecycle = lifecycle
        self._events = events

    # -- looking -----------------------------------------------------------------------------------

    async def changes(self, guest: Guest) -> Sequence[Change]:
        return await asyncio.to_thread(changes, self._upper(guest), self._images.rootfs(guest.image_id))

    async def written_size(self, guest: Guest) -> int:
        """Bytes the guest has written."""
        return await asyncio.to_thread(tree_size, self._upper(guest))

    async def sizes(self, guest: Guest) -> tuple[int, int]:
        """Bytes the guest has written, and those with its image's."""
        written = await self.written_size(guest)
        return written, written + self._images.view(guest.image_id).size

    def _upper(self, guest: Guest) -> Path:
        upper = self._paths.guest(guest.id) / "upper"
        upper.parent.mkdir(parents=True, exist_ok=True)
        return upper

    # -- copying -----------------------------------------------------------------------------------

    async def export(self, guest: Guest, out: BinaryIO) -> None:
        """The guest's root as a tar archive, without what is mounted in it."""
        async with self._mounted(guest) as merged:
            await asyncio.to_thread(archive.export, merged, out)
        self._lifecycle.publish(guest, "export")

    async def stat(self, guest: Guest, path: str) -> PathStat:
        async with self._root(guest) as root:
            return await asyncio.to_thread(archive.stat, root, path)

    async def get(self, guest: Guest, path: str, out: BinaryIO) -> None:
        async with self._root(guest) as root:
            await asyncio.to_thread(archive.get, root, path, out)
        self._lifecycle.publish(guest, "archive-path")

    async def put(self, guest: Guest, path: str, stream: BinaryIO, *, no_overwrite: bool) -> None:
        async with self._root(guest) as root:
            await asyncio.to_thread(archive.put, root, path, stream, no_overwrite_dir_non_dir=no_overwrite)
        self._lifecycle.publish(guest, "extract-to-dir")

    @contextlib.asynccontextmanager
    async def _root(self, guest: Guest) -> AsyncIterator[Path]:
        """The guest's root as the guest sees it."""
        if guest.pid:
            yield Path(f"/proc/{guest.pid}/root")
            return
        async with self._mounted(guest) as merged:
            yield merged

    @contextlib.asynccontextmanager
    async def _mounted(self, guest: Guest) -> AsyncIterator[Path]:
        """The guest's overlay, mounted for the time being unless the guest runs."""
        folder = self._paths.guest(guest.id)
        async with self._lifecycle.lock(guest.id):
            guest = self._registry.current(guest.id)
            await self._lifecycle.released(guest.id)
            if guest.state in ACTIVE:
                yield folder / "merged"
                return
            merged = await asyncio.to_thread(overlay.mount_rootfs, self._images.rootfs(guest.image_id), folder)
            try:
                yield merged
            finally:
                await asyncio.to_thread(overlay.unmount_rootfs, folder)

    # -- commit ------------------------------------------------------------------------------------

    async def commit(self, guest: Guest, options: CommitOptions) -> str:
        """An image of what the guest is now: its image with one more layer. Returns the image's id."""
        config = apply_changes(_config_of(guest, self._images.config(guest.image_id)), options.changes)
        async with self._mounted(guest):
            image_id = await asyncio.to_thread(self._commit, guest, config, options)
        self._events.publish("image", "commit", image_id, name=options.name, guest=guest.id)
        return image_id

    async def image_of(self, guest: Guest) -> str:
        """An image of the guest's files: its own while it has changed none. The caller holds the guest's lock."""
        if not await self.changes(guest):
            return guest.image_id
        config = _config_of(guest, self._images.config(guest.image_id))
        return await asyncio.to_thread(self._commit, guest, config, CommitOptions())

    def _commit(self, guest: Guest, config: ImageConfig, options: CommitOptions) -> str:
        upper = self._upper(guest)
        return self._images.commit(
            guest.image_id,
            upper,
            config,
            author=options.author,
            message=options.message,
            name=options.name,
            skip=placeholders(upper, self._images.rootfs(guest.image_id)),
        )


def _config_of(guest: Guest, base: ImageConfig) -> ImageConfig:
    """The image's configuration with what the guest was started with."""
    spec = guest.spec
    cleared = spec.entrypoint is not None
    return ImageConfig(
        user=guest.user,
        env=guest.env,
        entrypoint=spec.entrypoint if spec.entrypoint is not None else base.entrypoint,
        command=spec.command or (() if cleared else base.command),
        workdir=guest.workdir,
        volumes=tuple(dict.fromkeys(base.volumes)),
        exposed_ports=tuple(dict.fromkeys(base.exposed_ports + spec.expose)),
        labels=guest.labels,
        stop_signal=guest.stop_signal,
        healthcheck=guest.healthcheck,
        shell=base.shell,
        on_build=base.on_build,
    )
