"""Which networks a guest is on, from its start to its end."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from pathlib import Path

from wirt.engine.hostfiles import write_host_files
from wirt.engine.registry import Registry
from wirt.errors import Conflict, InvalidInput, NotFound, Unavailable
from wirt.model.guest import Endpoint, Guest, GuestState, NetworkSettings, PortBinding
from wirt.model.network import Network
from wirt.network.networks import Networks as HostNetworks
from wirt.network.resolv import hosts_file, resolv_conf
from wirt.store.networks import NetworkTable

__all__ = ["Connectivity", "shared_guest"]

log = logging.getLogger("wirt.connectivity")

HOSTS_FILE = Path("/etc/hosts")

_RUNNING = (GuestState.STARTING, GuestState.RUNNING, GuestState.PAUSED, GuestState.STOPPING)


def shared_guest(mode: str) -> str:
    """The guest named by ``container:REF``, or ""."""
    prefix, _, ref = mode.partition(":")
    return ref if prefix in ("container", "guest") else ""


class Connectivity:
    """Serialises what touches addresses and names: ``host_networks`` works on the host, this decides."""

    def __init__(
        self, host_networks: HostNetworks, table: NetworkTable, registry: Registry, dns: tuple[str, ...]
    ) -> None:
        self._host = host_networks
        self._table = table
        self._registry = registry
        self._dns = dns
        self._lock = asyncio.Lock()
        self.networks: dict[str, Network] = {network.name: network for network in table.load()}
        for network in host_networks.builtins():
            # The default network's subnet is whatever is free: while no guest ran, another instance may have taken it.
            if network.name not in self.networks or not self._in_use(network.name):
                self.add(network)

    def _in_use(self, name: str) -> bool:
        return any(name in guest.network.networks for guest in self._registry if guest.state in _RUNNING)

    def find(self, ref: str) -> Network:
        """By name, id or a prefix of the id."""
        if ref in self.networks:
            return self.networks[ref]
        matches = [network for network in self.networks.values() if ref and network.id.startswith(ref)]
        if len(matches) > 1:
            raise Conflict(f"{ref} is the beginning of {len(matches)} networks' ids", hint="give more digits")
        if not matches:
            raise NotFound(f"no such network: {ref}", hint="wirt network ls lists them")
        return matches[0]

    def add(self, network: Network) -> None:
        self._table.save(network)
        self.networks[network.name] = network

    def discard(self, network: Network) -> None:
        self._table.delete(network.id)
        self.networks.pop(network.name, None)

    # -- start and end of a guest ------------------------------------------------------------------

    async def connect(self, guest: Guest) -> tuple[str, NetworkSettings]:
        """The guest's network namespace ("" is the host's) and what it got there. Undone by ``disconnect``."""
        mode = guest.spec.network
        if mode == "host":
            return "", guest.network
        if ref := shared_guest(mode):
            return self._namespace_of(ref), guest.network
        async with self._lock:
            netns = await asyncio.to_thread(self._host.make_netns, guest.id)
            endpoints: dict[str, Endpoint] = {}
            try:
                for number, (name, wanted) in enumerate(guest.network.networks.items()):
                    endpoints[name] = await self._attach(guest, netns, self.find(name), wanted, number)
                ports = guest.network.ports
                if ports:
                    ports = await asyncio.to_thread(self._host.publish, guest.id, tuple(endpoints.values()), ports)
            except BaseException:
                await asyncio.to_thread(self._release, guest.id, netns, endpoints)
                raise
            settings = _settings(endpoints, ports)
            await self._publish_names(endpoints, guest, settings)
        return netns, settings

    async def disconnect(self, guest: Guest) -> NetworkSettings:
        """Give everything back; what is not there is no error. Returns the settings to start from again."""
        mode = guest.spec.network
        if mode == "host" or shared_guest(mode):
            return guest.network
        async with self._lock:
            netns = self._host.netns_path(guest.id)
            if self._is_shared(guest):
                # Whoever shares the namespace keeps it alive, and must not keep addresses that others get.
                for endpoint in guest.network.networks.values():
                    await asyncio.to_thread(self._host.detach, endpoint)
            await asyncio.to_thread(self._release, guest.id, netns, guest.network.networks)
            idle = {name: _idle(endpoint, guest) for name, endpoint in guest.network.networks.items()}
            settings = _settings(idle, _asked_ports(guest))
            await self._publish_names(guest.network.networks, guest, settings)
        return settings

    def _release(self, guest_id: str, netns: str, endpoints: dict[str, Endpoint]) -> None:
        self._host.unpublish(guest_id)
        self._host.remove_netns(netns, endpoints.values())

    async def _attach(self, guest: Guest, netns: str, network: Network, wanted: Endpoint, number: int) -> Endpoint:
        used = self._used_addresses(network, guest.id)
        return await asyncio.to_thread(
            self._host.attach,
            network,
            guest.id,
            netns,
            used=used,
            interface=f"eth{number}",
            ip=wanted.ip_address,
            mac=wanted.mac_address,
            aliases=wanted.aliases,
            default_route=number == 0,
        )

    def _used_addresses(self, network: Network, but: str) -> set[str]:
        """Addresses of guests that run, and those others asked for by number."""
        used = set()
        for guest in self._registry:
            endpoint = guest.network.networks.get(network.name)
            if endpoint is not None and guest.id != but and endpoint.ip_address:
                used.add(endpoint.ip_address)
        return used

    def _is_shared(self, guest: Guest) -> bool:
        refs = {shared_guest(other.spec.network) for other in self._registry if other.state in _RUNNING}
        return any(ref and (ref == guest.name or guest.id.startswith(ref)) for ref in refs)

    def _namespace_of(self, ref: str) -> str:
        other = self._registry.find(ref)
        if other.state not in (GuestState.RUNNING, GuestState.PAUSED) or not other.pid:
            raise Conflict(f"guest {other.name} does not run, its network cannot be shared", hint="start it first")
        return f"/proc/{other.pid}/ns/net"

    # -- a guest that runs already -----------------------------------------------------------------

    async def join(self, guest: Guest, network: Network, wanted: Endpoint) -> NetworkSettings:
        """Put ``guest`` on one more network, now if it runs, else from its next start."""
        if not guest.network.networks and guest.spec.network in ("host",):
            raise Conflict(f"guest {guest.name} uses the host's network", hint="start it on a bridge network")
        if shared_guest(guest.spec.network):
            raise Conflict(f"guest {guest.name} shares another guest's network", hint="connect that guest")
        if network.driver != "bridge":
            raise InvalidInput(f"guests cannot be connected to the network {network.name}")
        if network.name in guest.network.networks:
            raise Conflict(f"guest {guest.name} is on the network {network.name} already")
        endpoints = dict(guest.network.networks)
        async with self._lock:
            if guest.state in _RUNNING:
                netns = self._host.netns_path(guest.id)
                wanted = await self._attach(guest, netns, network, wanted, _free_number(endpoints))
            endpoints[network.name] = wanted
            settings = _settings(endpoints, guest.network.ports)
            await self._publish_names({network.name: wanted}, guest, settings)
        return settings

    async def leave(self, guest: Guest, network: Network) -> NetworkSettings:
        endpoint = guest.network.networks.get(network.name)
        if endpoint is None:
            raise NotFound(f"guest {guest.name} is not on the network {network.name}")
        endpoints = {name: other for name, other in guest.network.networks.items() if name != network.name}
        async with self._lock:
            if guest.state in _RUNNING:
                await asyncio.to_thread(self._host.detach, endpoint)
            settings = _settings(endpoints, guest.network.ports)
            await self._publish_names({network.name: endpoint}, guest, settings)
        return settings

    # -- names -------------------------------------------------------------------------------------

    async def _publish_names(self, touched: dict[str, Endpoint], changed: Guest, settings: NetworkSettings) -> None:
        """Tell the name servers of the touched networks who is where; ``changed`` counts with its new settings."""
        for name in touched:
            network = self.networks.get(name)
            if network is None or not network.dns:
                continue
            names: dict[str, list[str]] = {}
            for guest in self._registry:
                current = settings if guest.id == changed.id else guest.network
                endpoint = current.networks.get(name)
                if (
                    endpoint is None
                    or not endpoint.ip_address
                    or not (endpoint.host_interface or guest.id == changed.id)
                ):
                    continue
                for alias in {guest.name, guest.id[:12], *endpoint.aliases}:
                    names.setdefault(alias, []).append(endpoint.ip_address)
            try:
                await asyncio.to_thread(self._host.set_names, network, names)
            except (Unavailable, Conflict) as error:
                # Guests run without names rather than not at all; wirt doctor tells what is missing.
                log.warning("names on the network %s are not served: %s", name, error)

    async def refresh_names(self, guest: Guest) -> None:
        """After a rename."""
        async with self._lock:
            await self._publish_names(guest.network.networks, guest, guest.network)

    def write_files(self, guest: Guest, settings: NetworkSettings, folder: Path) -> None:
        """The guest's hosts, hostname and resolv.conf, for the networks it is on now."""
        mode = guest.spec.network
        endpoints = list(settings.networks.values())
        gateway = next((endpoint.gateway for endpoint in endpoints if endpoint.gateway), "127.0.0.1")
        names = [mode] if mode in ("host", "none") else list(settings.networks)
        networks = [self.networks[name] for name in names if name in self.networks]
        resolv = resolv_conf(networks, guest.spec.dns or self._dns, guest.spec.dns_search, guest.spec.dns_options)
        if mode == "host":
            hosts = HOSTS_FILE.read_text(encoding="utf-8", errors="replace")
        else:
            addresses = [endpoint.ip_address for endpoint in endpoints]
            hosts = hosts_file(
                guest.hostname, addresses, guest.spec.extra_hosts, domainname=guest.spec.domainname, gateway=gateway
            )
        write_host_files(folder, hostname=guest.hostname, hosts=hosts, resolv=resolv)

    def teardown(self) -> None:
        """No guest runs: nothing of the networks stays on the host. They come back when they are needed."""
        if os.geteuid() == 0:
            self._host.teardown()

    def sweep(self) -> None:
        """After a crash: take away what belongs to guests and networks that are gone."""
        if os.geteuid() != 0:
            return
        live = {guest.id for guest in self._registry if guest.state in _RUNNING}
        self._host.sweep(live, tuple(self.networks.values()))


def _settings(endpoints: dict[str, Endpoint], ports: tuple[PortBinding, ...]) -> NetworkSettings:
    first = next(iter(endpoints.values()), Endpoint("", ""))
    return NetworkSettings(
        ip_address=first.ip_address if first.host_interface else "",
        ip_prefix_len=first.ip_prefix_len,
        gateway=first.gateway,
        mac_address=first.mac_address if first.host_interface else "",
        networks=endpoints,
        ports=ports,
    )


def _idle(endpoint: Endpoint, guest: Guest) -> Endpoint:
    """What remains of an endpoint while the guest does not run: what was asked for."""
    mine = endpoint.network == guest.spec.network
    return dataclasses.replace(
        Endpoint(network=endpoint.network, network_id=endpoint.network_id, aliases=endpoint.aliases),
        ip_address=guest.spec.ip if mine else "",
        mac_address=guest.spec.mac_address if mine else "",
    )


def _asked_ports(guest: Guest) -> tuple[PortBinding, ...]:
    """The ports to publish at the next start: those asked for, and of ``publish_all`` with the choice open again."""
    asked = guest.spec.ports
    return asked + tuple(dataclasses.replace(port, host_port=0) for port in guest.network.ports[len(asked) :])


def _free_number(endpoints: dict[str, Endpoint]) -> int:
    taken = {endpoint.interface for endpoint in endpoints.values()}
    return next(number for number in range(len(endpoints) + 1) if f"eth{number}" not in taken)
