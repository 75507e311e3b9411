"""Making and removing guests. Both are journalled: a crash leaves a whole guest or none."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from pathlib import Path

from wirt.engine.compose import as_saved, compose, effective_mounts
from wirt.engine.connectivity import Connectivity, shared_guest
from wirt.engine.departures import Departures
from wirt.engine.lifecycle import ACTIVE, Lifecycle
from wirt.engine.names import check_name, invent_name
from wirt.engine.registry import Registry
from wirt.engine.settings import Paths
from wirt.engine.sharing import SharedLock
from wirt.engine.volumes import VolumeService
from wirt.errors import Conflict, InvalidInput, WirtError
from wirt.image import ImageStore
from wirt.model.guest import Guest, GuestSpec, GuestState, RestartMode
from wirt.model.snapshot import Snapshot
from wirt.model.wire import Created
from wirt.storage import overlay
from wirt.storage.snapshots import Snapshots
from wirt.store.journal import Journal, Operation, OperationKind

__all__ = ["Creation"]


class Creation:
    """Owned by the daemon's event loop."""

    def __init__(
        self,
        *,
        paths: Paths,
        registry: Registry,
        journal: Journal,
        images: ImageStore,
        snapshots: Snapshots,
        volumes: VolumeService,
        connectivity: Connectivity,
        departures: Departures,
        image_use: SharedLock,
        lifecycle: Lifecycle,
    ) -> None:
        self._paths = paths
        self._registry = registry
        self._journal = journal
        self._images = images
        self._snapshots = snapshots
        self._volumes = volumes
        self._connectivity = connectivity
        self._departures = departures
        self._image_use = image_use
        self._lifecycle = lifecycle
        self._removing: set[str] = set()

    # -- create ------------------------------------------------------------------------------------

    async def create(self, spec: GuestSpec) -> Created:
        """A new guest in the state ``created``; nothing is left behind when it cannot be."""
        if self._registry.name_taken(spec.name.removeprefix("/")):
            await self._departures.over()
        async with self._image_use.shared():
            if spec.snapshot:
                snapshot = self._snapshots.find(spec.snapshot)
                return self._create_from(snapshot, self._snapshots.folder(snapshot.id), spec)
            return self._create(spec, self._images.resolve(spec.image))

    async def create_from(self, snapshot: Snapshot, folder: Path, spec: GuestSpec) -> Created:
        """A guest whose first start goes on from ``snapshot``, whose files are in ``folder``."""
        async with self._image_use.shared():
            return self._create_from(snapshot, folder, spec)

    def _create_from(self, snapshot: Snapshot, folder: Path, spec: GuestSpec) -> Created:
        return self._create(as_saved(spec, snapshot), snapshot.image_id, str(folder), own_image=snapshot.own_image)

    def _create(self, spec: GuestSpec, image_id: str, resumes: str = "", *, own_image: bool = False) -> Created:
        warnings = self._check(spec)
        config = self._images.config(image_id)
        name = check_name(spec.name) if spec.name else invent_name(self._registry.name_taken)
        guest = compose(spec, config, guest_id=self._registry.new_id(), name=name, image_id=image_id, now=time.time())
        guest = dataclasses.replace(guest, resumes=resumes, own_image=own_image)
        mounts = effective_mounts(spec, config)
        with self._registry.transaction():
            self._registry.add(guest)
            operation = self._journal.begin(OperationKind.CREATE, guest.id)
        try:
            self._journal.step(operation, "files")
            (self._paths.guest(guest.id) / "bundle").mkdir(mode=0o710, parents=True)
            if mounts or spec.volumes_from:
                self._journal.step(operation, "volumes")
                guest = self._registry.change(guest.id, mounts=self._volumes.resolve(mounts, spec.volumes_from))
        except BaseException:
            self._undo_create(operation)
            raise
        with self._registry.transaction():
            self._journal.end(operation)
            self._lifecycle.publish(guest, "create")
        return Created(guest.id, warnings)

    def _check(self, spec: GuestSpec) -> tuple[str, ...]:
        """What can be known to fail before anything is made."""
        if spec.auto_remove and spec.restart.mode is not RestartMode.NO:
            raise InvalidInput(
                "a guest cannot be both removed at its end and restarted", hint="use --rm or --restart, not both"
            )
        if ref := shared_guest(spec.network):
            self._registry.find(ref)
        elif spec.network not in ("host", "none"):
            network = self._connectivity.find(spec.network)
            if spec.ip and not (network.dns or spec.ip == ""):
                raise InvalidInput(
                    f"an address can be asked for on user-defined networks only, not on {network.name}",
                    hint="wirt network create one, and use it with --network",
                )
        return self._lifecycle.runtime(spec.kind).check(spec)

    def _undo_create(self, operation: Operation) -> None:
        guest = self._registry.get(operation.subject)
        if guest is not None:
            overlay.remove_guest_dir(self._paths.guest(guest.id))
            self._volumes.remove_anonymous(guest)
            self._registry.discard(guest.id)
        self._journal.end(operation)

    # -- remove ------------------------------------------------------------------------------------

    async def remove(self, guest: Guest, *, force: bool, volumes: bool) -> None:
        async with self._lifecycle.lock(guest.id):
            guest = self._registry.current(guest.id)
            if guest.state in ACTIVE:
                if not force:
                    raise Conflict(
                        f"guest {guest.name} is {guest.state}", hint=f"wirt stop {guest.name} first, or use --force"
                    )
                await self._lifecycle.kill_and_wait(guest)
            await self._lifecycle.released(guest.id)
            guest = self._registry.get(guest.id) or guest
            if self._registry.get(guest.id) is None:
                return  # --rm was faster
            if guest.state is not GuestState.REMOVING:
                guest = self._registry.change(guest.id, state=GuestState.REMOVING)
            await self.finish_removal(guest, volumes=volumes or guest.spec.auto_remove)

    async def finish_removal(self, guest: Guest, *, volumes: bool) -> None:
        """From the state ``removing``, which is written down, to nothing. Can be done again after a crash."""
        if guest.id in self._removing:
            await self._lifecycle.next_removal(guest.id)
            return
        self._removing.add(guest.id)
        try:
            await self._remove_all(guest, volumes=volumes)
        finally:
            self._removing.discard(guest.id)
        self._lifecycle.removed(guest.id)

    async def _remove_all(self, guest: Guest, *, volumes: bool) -> None:
        operation = self._journal.begin(OperationKind.REMOVE, guest.id)
        self._journal.step(operation, "files")
        await asyncio.to_thread(overlay.remove_guest_dir, self._paths.guest(guest.id))
        run_dir = self._paths.guest_run(guest.id)
        if run_dir.exists():
            await asyncio.to_thread(overlay.remove_guest_dir, run_dir)
        self._journal.step(operation, "volumes")
        if volumes:
            self._volumes.remove_anonymous(guest)
        with self._registry.transaction():
            self._registry.discard(guest.id)
            self._journal.end(operation)
            self._lifecycle.publish(guest, "destroy")
        if guest.own_image:
            await self.drop_image(guest.image_id)

    async def drop_image(self, image_id: str) -> None:
        """Delete an image that was made when a guest was saved, unless somebody needs it or has named it."""
        async with self._image_use.alone():
            users = {guest.image_id for guest in self._registry} | self._snapshots.images().keys()
            if image_id not in users and not self._images.names(image_id):
                with contextlib.suppress(
                    WirtError
                ):  # gone already, or in use as the base of another: see wirt image ls
                    await asyncio.to_thread(self._images.remove, image_id)

    def remove_after_end(self, guest: Guest) -> None:
        """``--rm``: called when an ended guest has been released."""
        if guest.state is GuestState.REMOVING:
            self._lifecycle.in_background(self.finish_removal(guest, volumes=True), f"removing guest {guest.id[:12]}")

    # -- after a crash -----------------------------------------------------------------------------

    async def recover(self) -> None:
        """Undo half-made guests, finish half-removed ones."""
        for operation in self._journal.unfinished():
            if operation.kind is OperationKind.CREATE:
                self._undo_create(operation)
            elif operation.kind is OperationKind.REMOVE:
                self._journal.end(operation)  # its guest is in the state ``removing``
        for guest in self._registry:
            if _is_half_made_clone(guest):
                doomed = self._registry.change(guest.id, state=GuestState.REMOVING)
                await self.finish_removal(doomed, volumes=True)
            elif guest.state is GuestState.REMOVING:
                await self.finish_removal(guest, volumes=guest.spec.auto_remove)
        for folder, image_id in self._snapshots.left:
            await self.drop_image(image_id)
            self._snapshots.forget(folder)
        self._sweep_folders()

    def _sweep_folders(self) -> None:
        known = {guest.id for guest in self._registry}
        for folder in self._paths.guests.iterdir():
            if folder.name not in known:
                overlay.remove_guest_dir(folder)

    def rename(self, guest: Guest, name: str) -> Guest:
        check_name(name)
        with self._registry.transaction():
            renamed = self._registry.change(guest.id, name=name, spec=dataclasses.replace(guest.spec, name=name))
            self._lifecycle.publish(renamed, "rename", old_name=guest.name)
        return renamed


def _is_half_made_clone(guest: Guest) -> bool:
    """Whether it should have gone on from what a fork wrote down, whose daemon was killed before it could."""
    return guest.state is GuestState.CREATED and Path(guest.resumes).name.startswith(".")
