"""Networks: the verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from wirt.engine.connectivity import Connectivity
from wirt.engine.departures import Departures
from wirt.engine.events import Events
from wirt.engine.filters import Filters, keep, matches_label, matches_name, truth
from wirt.engine.lifecycle import ACTIVE, Lifecycle
from wirt.engine.registry import Registry
from wirt.errors import Conflict, Forbidden, NotFound
from wirt.model.guest import Endpoint
from wirt.model.network import Network, NetworkSpec, NetworkView
from wirt.model.wire import Pruned
from wirt.network.networks import Networks as HostNetworks
from wirt.store.journal import Journal, OperationKind
from wirt.store.networks import NetworkTable

__all__ = ["Networks"]


class Networks:
    """Owned by the daemon's event loop."""

    def __init__(
        self,
        *,
        host: HostNetworks,
        table: NetworkTable,
        connectivity: Connectivity,
        registry: Registry,
        lifecycle: Lifecycle,
        departures: Departures,
        journal: Journal,
        events: Events,
    ) -> None:
        self._host = host
        self._table = table
        self._connectivity = connectivity
        self._registry = registry
        self._lifecycle = lifecycle
        self._departures = departures
        self._journal = journal
        self._events = events

    async def list(self, filters: Filters) -> Sequence[Network]:
        await self._departures.over()
        tests: dict[str, Callable[[Network, str], bool]] = {
            "name": lambda network, value: matches_name(network.name, value),
            "id": lambda network, value: network.id.startswith(value),
            "driver": lambda network, value: network.driver == value,
            "label": lambda network, value: matches_label(network.labels, value),
            "type": lambda network, value: network.builtin == (value == "builtin"),
            "dangling": lambda network, value: (not network.builtin and not self._users(network)) == truth(value),
        }
        networks = sorted(self._connectivity.networks.values(), key=lambda network: network.name)
        return keep(networks, filters, tests, "networks")

    async def create(self, spec: NetworkSpec) -> Network:
        if spec.name in self._connectivity.networks:
            raise Conflict(f"the network {spec.name} exists already", hint=f"wirt network rm {spec.name} first")
        existing = tuple(self._connectivity.networks.values())
        network = await asyncio.to_thread(self._host.create, spec, existing)
        operation = self._journal.begin(OperationKind.NETWORK_CREATE, network.id)
        try:
            self._journal.step(operation, "bridge")
            await asyncio.to_thread(self._host.ensure, network)
            self._connectivity.add(network)
        except BaseException:
            await asyncio.to_thread(self._host.remove, network)
            raise
        finally:
            self._journal.end(operation)
        self._events.publish("network", "create", network.id, name=network.name)
        return network

    async def view(self, ref: str) -> NetworkView:
        network = self._connectivity.find(ref)
        await self._departures.over()
        running = {guest.id: guest for guest in self._registry if guest.state in ACTIVE}
        return NetworkView(
            network,
            {
                guest_id: guest.network.networks[network.name]
                for guest_id, guest in running.items()
                if network.name in guest.network.networks
            },
        )

    async def remove(self, ref: str) -> None:
        network = self._connectivity.find(ref)
        if network.builtin:
            raise Forbidden(f"the network {network.name} belongs to wirt and cannot be removed")
        await self._departures.over()
        if users := self._users(network):
            raise Conflict(
                f"the network {network.name} is used by {', '.join(users)}",
                hint="remove those guests, or wirt network disconnect them, first",
            )
        operation = self._journal.begin(OperationKind.NETWORK_REMOVE, network.id)
        self._connectivity.discard(network)
        self._journal.step(operation, "bridge")
        await asyncio.to_thread(self._host.remove, network)
        self._journal.end(operation)
        self._events.publish("network", "destroy", network.id, name=network.name)

    async def connect(self, ref: str, guest: str, *, aliases: Sequence[str], ip: str) -> None:
        network = self._connectivity.find(ref)
        found = self._registry.find(guest)
        wanted = Endpoint(network.name, network.id, ip_address=ip, aliases=tuple(aliases))
        async with self._lifecycle.lock(found.id):
            found = self._registry.current(found.id)
            settings = await self._connectivity.join(found, network, wanted)
            self._registry.change(found.id, network=settings)
        self._events.publish("network", "connect", network.id, name=network.name, guest=found.id)

    async def disconnect(self, ref: str, guest: str, *, force: bool) -> None:
        network = self._connectivity.find(ref)
        try:
            found = self._registry.find(guest)
        except NotFound:
            if force:
                return
            raise
        async with self._lifecycle.lock(found.id):
            found = self._registry.current(found.id)
            settings = await self._connectivity.leave(found, network)
            self._registry.change(found.id, network=settings)
        self._events.publish("network", "disconnect", network.id, name=network.name, guest=found.id)

    async def prune(self, filters: Filters) -> Pruned:
        """Remove every network of the user's that no guest is on."""
        deleted = []
        for network in await self.list(filters):
            if not network.builtin and not self._users(network):
                await self.remove(network.id)
                deleted.append(network.name)
        return Pruned(tuple(deleted))

    async def recover(self) -> None:
        """A bridge of a network that is not in the store goes; one that is comes back when it is needed."""
        for operation in self._journal.unfinished():
            if operation.kind in (OperationKind.NETWORK_CREATE, OperationKind.NETWORK_REMOVE):
                self._journal.end(operation)  # the sweep takes the bridge

    def _users(self, network: Network) -> tuple[str, ...]:
        return tuple(guest.name for guest in self._registry if network.name in guest.network.networks)
