"""The engine: the parts put together, brought up after whatever happened before, and taken down again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
from collections.abc import Mapping, Sequence

from wirt.engine.connectivity import Connectivity
from wirt.engine.contents import Contents
from wirt.engine.creation import Creation
from wirt.engine.departures import Departures
from wirt.engine.doctor import examine
from wirt.engine.events import Events
from wirt.engine.guests import Guests
from wirt.engine.health import HealthMonitor
from wirt.engine.images import Images
from wirt.engine.lifecycle import ACTIVE, Lifecycle
from wirt.engine.listing import Listing
from wirt.engine.networks import Networks
from wirt.engine.orders import Orders
from wirt.engine.protocols import Runtime
from wirt.engine.registry import Registry
from wirt.engine.restarts import Restarts
from wirt.engine.sessions import Sessions
from wirt.engine.settings import Paths, Settings
from wirt.engine.sharing import SharedLock
from wirt.engine.snapshots import Snapshots
from wirt.engine.tracing import Tracing
from wirt.engine.usage import measure
from wirt.engine.volumes import VolumeService
from wirt.errors import Unavailable
from wirt.host.cgroup import host_layout
from wirt.image import ImageStore
from wirt.model.finding import Finding
from wirt.model.guest import GuestState, Kind
from wirt.model.host import DiskUsage, HostInfo
from wirt.network.addresses import DEFAULT_POOLS
from wirt.network.networks import Networks as HostNetworks
from wirt.storage.snapshots import Snapshots as SnapshotStore
from wirt.storage.volumes import Volumes
from wirt.store.database import Database
from wirt.store.events import EventTable
from wirt.store.journal import Journal, OperationKind
from wirt.store.networks import NetworkTable
from wirt.version import VERSION

__all__ = ["Engine"]


class Engine:
    """The use cases, one attribute a resource: ``guests``, ``images``, ``networks``, ``volumes``, ``snapshots``...

    Made and used in the daemon's event loop.
    """

    def __init__(self, paths: Paths, settings: Settings, runtimes: Mapping[Kind, Runtime]) -> None:
        self._paths = paths
        self._runtimes = runtimes
        for folder, mode in ((paths.state, 0o711), (paths.guests, 0o710), (paths.run, 0o711), (paths.run / "g", 0o700)):
            folder.mkdir(mode=mode, parents=True, exist_ok=True)
        self._database = Database(paths.state / "wirt.db")
        self._journal = Journal(self._database)
        self._registry = Registry(self._database)
        network_table = NetworkTable(self._database)
        self.events = Events(EventTable(self._database))
        self._store = ImageStore(paths.state / "images", paths.state / "layers")
        self._volume_store = Volumes(paths.state / "volumes")
        snapshot_store = SnapshotStore(paths.state / "snapshots")
        self._departures = Departures()
        image_use = SharedLock()
        self.volumes = VolumeService(self._volume_store, self._registry, self._departures, self.events)
        self._host_networks = HostNetworks(paths.tag, paths.run, settings.address_pools or DEFAULT_POOLS)
        self._connectivity = Connectivity(self._host_networks, network_table, self._registry, settings.dns)
        self._lifecycle = Lifecycle(
            paths=paths,
            registry=self._registry,
            journal=self._journal,
            settings=settings,
            events=self.events,
            images=self._store,
            volumes=self.volumes,
            connectivity=self._connectivity,
            departures=self._departures,
            runtimes=runtimes,
        )
        self._creation = Creation(
            paths=paths,
            registry=self._registry,
            journal=self._journal,
            images=self._store,
            snapshots=snapshot_store,
            volumes=self.volumes,
            connectivity=self._connectivity,
            departures=self._departures,
            image_use=image_use,
            lifecycle=self._lifecycle,
        )
        sessions = Sessions(
            paths=paths,
            registry=self._registry,
            lifecycle=self._lifecycle,
            creation=self._creation,
            events=self.events,
        )
        self.traces = Tracing(self._registry, self._lifecycle, Orders(self._registry, self._lifecycle))
        self._health = HealthMonitor(self.events, sessions.exec_and_wait)
        self._restarts = Restarts(self._registry, self._lifecycle)
        self._lifecycle.on_started.append(self._health.started)
        self._lifecycle.on_booked.append(self._health.ended)
        self._lifecycle.on_ended += [self._creation.remove_after_end, self._restarts.ended]
        self.images = Images(
            self._store,
            paths.state / "cache",
            self._registry,
            snapshot_store,
            self._departures,
            self.events,
            use=image_use,
        )
        self.networks = self._make_networks(network_table)
        contents = self._make_contents()
        self.guests = self._make_guests(sessions, contents)
        self.snapshots = self._make_snapshots(snapshot_store, contents, image_use)

    def _make_networks(self, table: NetworkTable) -> Networks:
        return Networks(
            host=self._host_networks,
            table=table,
            connectivity=self._connectivity,
            registry=self._registry,
            lifecycle=self._lifecycle,
            departures=self._departures,
            journal=self._journal,
            events=self.events,
        )

    def _make_contents(self) -> Contents:
        return Contents(
            paths=self._paths,
            registry=self._registry,
            images=self._store,
            lifecycle=self._lifecycle,
            events=self.events,
        )

    def _make_snapshots(self, store: SnapshotStore, contents: Contents, image_use: SharedLock) -> Snapshots:
        return Snapshots(
            store=store,
            registry=self._registry,
            lifecycle=self._lifecycle,
            creation=self._creation,
            contents=contents,
            orders=Orders(self._registry, self._lifecycle),
            events=self.events,
            image_use=image_use,
        )

    def _make_guests(self, sessions: Sessions, contents: Contents) -> Guests:
        return Guests(
            paths=self._paths,
            registry=self._registry,
            lifecycle=self._lifecycle,
            departures=self._departures,
            creation=self._creation,
            sessions=sessions,
            listing=Listing(self._registry, self._health, self.images.names),
            restarts=self._restarts,
            contents=contents,
            connectivity=self._connectivity,
        )

    async def open(self) -> None:
        """Start the zygote, take over what an earlier daemon left, and mend what it left half-done."""
        self._lifecycle.keepers.start(micro=Kind.MICRO in self._runtimes)
        await asyncio.to_thread(self._store.recover)
        await self._lifecycle.adopt()
        await self._lifecycle.settle()
        for operation in self._journal.unfinished():
            if operation.kind is OperationKind.END:
                await self._lifecycle.finish_end(operation)
            elif operation.kind is OperationKind.START:
                self._journal.end(operation)
        await self._creation.recover()
        await self.networks.recover()
        live = {guest.id for guest in self._registry if guest.state in ACTIVE}
        self._volume_store.recover(self._held_volumes(live))
        for runtime in self._runtimes.values():
            await asyncio.to_thread(runtime.recover, live)
            self._lifecycle.in_background(_warm(runtime), "warming up")
        self._lifecycle.in_background(self.images.sweep(), "deleting what is left of bootstraps")
        await asyncio.to_thread(self._connectivity.sweep)
        self._restarts.resume()

    async def close(self) -> None:
        """Let go of everything. Guests go on; where there are none, nothing of the networks stays on the host."""
        await self._restarts.close()
        await self._health.close()
        await self._lifecycle.settle()
        self.events.close()
        if not any(guest.state in ACTIVE for guest in self._registry):
            await asyncio.to_thread(self._connectivity.teardown)
        for runtime in self._runtimes.values():
            runtime.close()
        self._lifecycle.keepers.stop()
        self._database.close()

    def _held_volumes(self, live: set[str]) -> dict[str, list[str]]:
        held: dict[str, list[str]] = {}
        for guest in self._registry:
            for mount in guest.mounts:
                if mount.name and guest.id in live:
                    held.setdefault(mount.name, []).append(guest.id)
        return held

    # -- the host ----------------------------------------------------------------------------------

    async def doctor(self) -> Sequence[Finding]:
        return await examine(self._paths.state, self._paths.run, self._runtimes)

    async def disk_usage(self) -> DiskUsage:
        await self._departures.over()
        return await asyncio.to_thread(measure, self._paths, tuple(self._registry), self._store, self._volume_store)

    async def info(self) -> HostInfo:
        await self._departures.over()
        states = [guest.state for guest in self._registry if guest.state is not GuestState.REMOVING]
        images = await self.images.list(filters={})
        host = os.uname()
        return HostInfo(
            version=VERSION,
            name=host.nodename,
            kernel=host.release,
            os=_os_name(),
            architecture=host.machine,
            cpus=os.cpu_count() or 1,
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            state_dir=str(self._paths.state),
            run_dir=str(self._paths.run),
            cgroup=host_layout().mode.value,
            runtime=", ".join(runtime.description for runtime in self._runtimes.values()),
            kinds=tuple(self._runtimes),
            guests=len(states),
            guests_running=sum(state in (GuestState.RUNNING, GuestState.STOPPING) for state in states),
            guests_paused=states.count(GuestState.PAUSED),
            guests_stopped=sum(state in (GuestState.CREATED, GuestState.EXITED) for state in states),
            images=len(images),
        )


async def _warm(runtime: Runtime) -> None:
    with contextlib.suppress(Unavailable):  # wirt doctor tells, and so does the first guest
        await asyncio.to_thread(runtime.warm)


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"
