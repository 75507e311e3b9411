"""Snapshots of guests with their memory, guests that go on from one, and forks: guests that go on from each other.

A micro guest stands still while its memory is copied and an image is made of its files; that takes milliseconds for
what a small program has touched. What was written down is resumed by the first start of a new guest; a later start of
that guest runs its program anew, on the files it has then.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from wirt.engine.contents import Contents
from wirt.engine.creation import Creation
from wirt.engine.events import Events
from wirt.engine.keepers import OpenOrder
from wirt.engine.lifecycle import Lifecycle
from wirt.engine.names import check_name
from wirt.engine.orders import Orders
from wirt.engine.registry import Registry
from wirt.engine.sharing import SharedLock
from wirt.errors import Conflict, InvalidInput, RuntimeFailure, WirtError
from wirt.host.fsmount import SAFE, detached
from wirt.model.guest import Guest, GuestSpec, GuestState
from wirt.model.snapshot import ForkRequest, Snapshot, SnapshotRequest
from wirt.model.wire import Created
from wirt.sentry.checkpoint.saved import ORDER
from wirt.storage.snapshots import Snapshots as SnapshotStore

__all__ = ["Snapshots"]

_PAGE = 4096
_RECORDS_SIZE = "128m"
_PATIENCE = 10.0  # seconds until a monitor answers
_AGAIN = 0.25
_MOST_FORKS = 1000
_AT_ONCE = 4  # guests that start side by side


class Snapshots:
    """Owned by the daemon's event loop."""

    def __init__(
        self,
        *,
        store: SnapshotStore,
        registry: Registry,
        lifecycle: Lifecycle,
        creation: Creation,
        contents: Contents,
        orders: Orders,
        events: Events,
        image_use: SharedLock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._lifecycle = lifecycle
        self._creation = creation
        self._contents = contents
        self._orders = orders
        self._events = events
        self._image_use = image_use

    # -- the verbs ---------------------------------------------------------------------------------

    async def list(self) -> Sequence[Snapshot]:
        return self._store.list()

    async def view(self, ref: str) -> Snapshot:
        return self._store.find(ref)

    async def create(self, request: SnapshotRequest) -> Snapshot:
        """``Conflict`` when the guest cannot be saved, with the reason."""
        guest = self._orders.find(request.guest)
        name = check_name(request.name) if request.name else self._free_name(guest.name)
        self._check_free(name)
        async with self._saved(guest, name) as (draft, snapshot):
            await asyncio.to_thread(_sync, draft)
            self._check_free(name)
            self._store.keep(draft, snapshot)
        self._events.publish("snapshot", "create", snapshot.id, name=name, guest=guest.id)
        return snapshot

    async def remove(self, ref: str) -> None:
        snapshot = self._store.find(ref)
        for guest in self._registry:
            if guest.resumes == str(self._store.folder(snapshot.id)):
                hint = f"wirt start {guest.name}, or wirt rm {guest.name}"
                raise Conflict(f"guest {guest.name} has yet to start from the snapshot {snapshot.name}", hint=hint)
        self._store.remove(snapshot.id)
        await self._drop_image(snapshot)
        self._events.publish("snapshot", "destroy", snapshot.id, name=snapshot.name)

    async def fork(self, ref: str, request: ForkRequest) -> tuple[Created, ...]:
        """New guests that go on where the guest is now, all or none of them."""
        if not 1 <= request.count <= _MOST_FORKS:
            raise InvalidInput(f"{request.count} forks cannot be made at once", hint=f"ask for 1 to {_MOST_FORKS}")
        guest = self._orders.find(ref)
        async with self._saved(guest, guest.name) as (draft, snapshot):
            created = await self._start_all(snapshot, draft, request)
        self._lifecycle.publish(guest, "fork", count=str(request.count))
        return created

    def _check_free(self, name: str) -> None:
        if self._store.name_taken(name):
            raise Conflict(f"there is a snapshot {name} already", hint=f"wirt snapshot rm {name} first")

    def _free_name(self, guest: str) -> str:
        return _first_free(guest, self._store.name_taken)

    # -- saving ------------------------------------------------------------------------------------

    async def _drop_image(self, snapshot: Snapshot) -> None:
        """The image that was made for it, unless a guest or snapshot needs it."""
        if snapshot.own_image:
            await self._creation.drop_image(snapshot.image_id)

    @contextlib.asynccontextmanager
    async def _saved(self, guest: Guest, name: str) -> AsyncIterator[tuple[Path, Snapshot]]:
        """A folder with the guest written down, and its record. What nobody needs afterwards does not stay."""
        snapshot = None
        try:
            with self._store.draft() as draft:
                snapshot = await self._save(guest, draft, name)
                yield draft, snapshot
        finally:
            if snapshot is not None:
                await self._drop_image(snapshot)

    async def _save(self, guest: Guest, folder: Path, name: str) -> Snapshot:
        async with self._lifecycle.lock(guest.id):
            return await self._write_down(self._orders.find(guest.id), folder, name)

    async def _write_down(self, guest: Guest, folder: Path, name: str) -> Snapshot:
        runtime = self._lifecycle.runtime(guest.spec.kind)
        with _records() as records, self._orders.open(guest, ORDER, {}, (records,)) as order:
            bases = await self._stand_still(guest, order)
            memory = await asyncio.to_thread(runtime.write_down, guest, bases, records, folder)
            async with self._image_use.shared():
                image_id = await self._contents.image_of(guest)
                own = guest.own_image or image_id != guest.image_id
                self._store.claim(folder, image_id, name, own=own)
        return Snapshot(
            id=secrets.token_hex(32),
            name=name,
            created=time.time(),
            kind=guest.spec.kind,
            guest=guest.name,
            image_id=image_id,
            spec=guest.spec,
            platform=runtime.platform,
            memory=memory,
            own_image=own,
        )

    async def _stand_still(self, guest: Guest, order: OpenOrder) -> dict[int, int]:
        """All processes, until the order is revoked; where each, by the host's number, has its guest's memory."""
        runtime = self._lifecycle.runtime(guest.spec.kind)
        await asyncio.wait_for(order.given, _PATIENCE)
        bases: dict[int, int] = {}
        deadline = time.monotonic() + _PATIENCE
        while missing := set(await asyncio.to_thread(runtime.kick, guest)) - bases.keys():
            if time.monotonic() > deadline:
                pids = " ".join(map(str, sorted(missing)[:8]))
                raise RuntimeFailure(
                    f"processes of guest {guest.name} do not answer: {pids}",
                    hint="a stopped process answers when it is continued",
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN):
                    while missing - bases.keys():
                        pid, said = await order.replies.get()
                        if said is not None or not pid:
                            bases[pid] = _base(guest, pid, said)
        return bases

    # -- going on ----------------------------------------------------------------------------------

    async def _start_all(self, snapshot: Snapshot, folder: Path, request: ForkRequest) -> tuple[Created, ...]:
        created = []
        turn = asyncio.Semaphore(_AT_ONCE)

        async def start(made: Created) -> None:
            async with turn, self._lifecycle.lock(made.id):
                await self._lifecycle.start(self._registry.current(made.id))

        try:
            for _ in range(request.count):
                name = _first_free(request.name or snapshot.guest, self._registry.name_taken)
                created.append(await self._creation.create_from(snapshot, folder, GuestSpec(image="", name=name)))
            async with asyncio.TaskGroup() as group:
                for made in created:
                    group.create_task(start(made))
        except BaseException as error:
            for made in created:
                await self._take_back(made)
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from None
            raise
        return tuple(created)

    async def _take_back(self, made: Created) -> None:
        guest = self._registry.get(made.id)
        if guest is not None and guest.state is not GuestState.REMOVING:
            with contextlib.suppress(WirtError):
                await self._creation.remove(guest, force=True, volumes=True)


def _first_free(name: str, taken: Callable[[str], bool]) -> str:
    """``name-1``, ``name-2`` ..."""
    number = 1
    while taken(f"{name}-{number}"):
        number += 1
    return f"{name}-{number}"


def _base(guest: Guest, pid: int, said: dict[str, Any] | None) -> int:
    """What a monitor says is a guest's word: an address, or why not."""
    if not pid or said is None:
        raise Conflict(f"guest {guest.name} has ended")
    if isinstance(reason := said.get("refused"), str):
        raise Conflict(f"guest {guest.name} cannot be saved: {reason[:300]}")
    base = said.get("base")
    if not isinstance(base, int) or not 0 < base < 1 << 47 or base % _PAGE:
        raise RuntimeFailure(f"the monitor of guest {guest.name} does not say what it should")
    return base


@contextlib.contextmanager
def _records() -> Iterator[int]:
    """A folder that is nowhere, for the guest's monitors to write to."""
    fd = detached("tmpfs", {"size": _RECORDS_SIZE, "mode": "1777"}, SAFE)
    try:
        yield fd
    finally:
        os.close(fd)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
