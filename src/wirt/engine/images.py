"""Images: the verbs. The store does the work, in threads; this knows who uses what, and tells of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from wirt.engine.departures import Departures
from wirt.engine.events import Events
from wirt.engine.filters import Filters
from wirt.engine.registry import Registry
from wirt.engine.sharing import SharedLock
from wirt.errors import Conflict
from wirt.host.trees import remove_tree, tree_size
from wirt.image import ImageStore
from wirt.model.image import HistoryEntry, ImageDeletion, ImageSummary, ImageView, Progress
from wirt.model.wire import BootstrapRequest, Loaded, Pruned
from wirt.storage.snapshots import Snapshots

__all__ = ["Images"]

OnProgress = Callable[[Progress], None]


class Images:
    """``use`` is held alone while images are removed: what somebody begins to use stays until he counts as a user."""

    def __init__(
        self,
        store: ImageStore,
        cache: Path,
        registry: Registry,
        snapshots: Snapshots,
        departures: Departures,
        events: Events,
        *,
        use: SharedLock,
    ) -> None:
        self._store = store
        self._cache = cache
        self._registry = registry
        self._snapshots = snapshots
        self._departures = departures
        self._swept = asyncio.Event()
        self._use = use
        self._events = events
        self._cache_users = 0
        self._cache_removal = asyncio.Lock()

    async def list(self, *, filters: Filters) -> Sequence[ImageSummary]:
        return await asyncio.to_thread(self._store.list, filters)

    async def view(self, name: str) -> ImageView:
        return await asyncio.to_thread(self._store.view, name)

    async def history(self, name: str) -> Sequence[HistoryEntry]:
        return await asyncio.to_thread(self._store.history, name)

    async def tag(self, name: str, target: str) -> None:
        await asyncio.to_thread(self._store.tag, name, target)
        self._events.publish("image", "tag", self._store.resolve(target), name=target)

    async def remove(self, name: str, *, force: bool) -> ImageDeletion:
        await self._departures.over()
        async with self._use.alone():
            deletion = await asyncio.to_thread(self._store.remove, name, force=force, in_use=self._in_use())
        self._tell(deletion)
        return deletion

    async def prune(self, *, show_all: bool, filters: Filters) -> ImageDeletion:
        await self._departures.over()
        async with self._use.alone():
            deletion = await asyncio.to_thread(self._store.prune, all_=show_all, filters=filters, in_use=self._in_use())
        self._tell(deletion)
        return deletion

    async def load(self, stream: BinaryIO, progress: OnProgress) -> Sequence[Loaded]:
        loaded = await asyncio.to_thread(self._store.load, stream, progress)
        for image in loaded:
            self._events.publish("image", "load", image.id, name=", ".join(image.names))
        return loaded

    async def import_rootfs(
        self, stream: BinaryIO, name: str, *, changes: Sequence[str], message: str, progress: OnProgress
    ) -> str:
        image_id = await asyncio.to_thread(
            self._store.import_rootfs, stream, name, changes=tuple(changes), message=message, progress=progress
        )
        self._events.publish("image", "import", image_id, name=name)
        return image_id

    async def save(self, names: Sequence[str], archive_format: str, out: BinaryIO) -> None:
        await asyncio.to_thread(self._store.save, tuple(names), archive_format, out)
        for name in names:
            self._events.publish("image", "save", self._store.resolve(name), name=name)

    async def bootstrap(self, request: BootstrapRequest, progress: OnProgress) -> str:
        from wirt.image.bootstrap import bootstrap  # seldom used, and not needed to start

        await self._swept.wait()
        async with self._cache_removal:
            self._cache_users += 1
        try:
            image_id = await asyncio.to_thread(bootstrap, request, self._store, self._cache, progress)
        finally:
            self._cache_users -= 1
        self._events.publish("image", "bootstrap", image_id, name=request.name or request.recipe)
        return image_id

    async def prune_cache(self) -> Pruned:
        """Delete what bootstraps have downloaded; ``Conflict`` while one goes on. New ones wait until it is gone."""
        async with self._cache_removal:
            if self._cache_users:
                raise Conflict("an image is being made, which needs the cache", hint="try again when it is done")
            return await asyncio.to_thread(_empty, self._cache)

    async def sweep(self) -> None:
        """After a crash: delete what bootstraps that were cut off left. New ones wait for it."""
        try:
            if self._cache.exists():
                await asyncio.to_thread(_sweep, self._cache)
        finally:
            self._swept.set()

    def names(self, image_id: str) -> tuple[str, ...]:
        """The names of an image, () for one that is gone."""
        return self._store.names(image_id)

    def _in_use(self) -> dict[str, str]:
        """Image id -> the name of a guest that was made from it, or of what else needs it."""
        return self._snapshots.images() | {guest.image_id: guest.name for guest in self._registry}

    def _tell(self, deletion: ImageDeletion) -> None:
        for name in deletion.untagged:
            self._events.publish("image", "untag", name, name=name)
        for image_id in deletion.deleted:
            self._events.publish("image", "delete", image_id)


def _empty(cache: Path) -> Pruned:
    folders = sorted(cache.glob("*/*"))
    sizes = sum(tree_size(folder) for folder in folders)
    for folder in folders:
        remove_tree(folder)
    return Pruned(tuple(str(folder.relative_to(cache)) for folder in folders), sizes)


def _sweep(cache: Path) -> None:
    from wirt.image.bootstrap import sweep  # seldom used, and not needed to start

    sweep(cache)
