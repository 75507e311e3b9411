"""The networks of one instance: the door to this package."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import ipaddress
import logging
import secrets
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from wirt.errors import Conflict, InvalidInput, Unavailable
from wirt.host import links
from wirt.host.mount import mounted_below
from wirt.model.guest import Endpoint, PortBinding
from wirt.model.network import Network, NetworkSpec
from wirt.network import bridges, endpoints, forwarding
from wirt.network.addresses import (
    DEFAULT_POOLS,
    Plan,
    check_mac,
    check_name,
    mac_for,
    plan_subnet,
)
from wirt.network.dns import NameServers
from wirt.network.failures import explained
from wirt.network.firewall import Firewall
from wirt.network.leases import Leases
from wirt.network.ledger import SHARED, Holdings, Ledger, Segment
from wirt.network.publishing import Publisher, set_loopback
from wirt.network.resolv import HOST_FILE, has_name_server, read_resolvers
from wirt.network.subnets import Subnets

__all__ = ["Networks"]

_log = logging.getLogger(__name__)

_DEFAULT_PREFIX = 22  # of the network "bridge": as many addresses as a Linux bridge has ports
_USER_PREFIX = 24
_LINK_PATIENCE = 1.0  # seconds
_OPTIONS = frozenset({"mtu"})


class Networks:
    """Synchronous and thread-safe; the locks are in the package's docstring.

    ``tag`` is "" for the default instance, else at most six characters that tell it from the others of the host.
    ``run`` is the instance's run folder: namespaces are pinned in ``run/netns``. ``pools`` are where subnets come from.
    ``shared`` is where all instances of the host look (see ``ledger``), ``host_resolv`` the host's resolv.conf.
    """

    def __init__(
        self,
        tag: str,
        run: Path,
        pools: Sequence[str] = DEFAULT_POOLS,
        *,
        shared: Path = SHARED,
        host_resolv: Path = HOST_FILE,
    ) -> None:
        self._tag = tag
        self._folder = run / "netns"
        self._ledger = Ledger(tag, shared)
        self._subnets = Subnets(self._ledger, pools)
        self._firewall = Firewall(tag, self._ledger)
        self._publisher = Publisher(self._ledger, self._firewall)
        self._servers = NameServers(self._ledger.folder / "dns", host_resolv)
        self._host_resolv = host_resolv
        self._leases = Leases()
        self._built: dict[str, int] = {}  # network id -> its bridge's index, once this daemon has built it

    # Networks

    def builtins(self) -> tuple[Network, Network, Network]:
        """The rows ``bridge``, ``host`` and ``none`` for a fresh state: the same ids each time, a subnet free now."""
        name = bridges.bridge_name(self._tag)
        bridge = self._builtin("bridge", "bridge", bridge=name)
        try:
            with self._ledger.locked():
                known = self._ledger.read().segment(bridge.id)
                if known is None:
                    known = self._reserve(bridge.id, name, self._subnets.choose((), _DEFAULT_PREFIX), internal=False)
        except Unavailable:  # not root: chosen, though bridges cannot be made
            known = _segment_of(bridge.id, name, self._subnets.choose((), _DEFAULT_PREFIX), internal=False)
        bridge = dataclasses.replace(bridge, subnet=known.subnet, gateway=known.gateway)
        return bridge, self._builtin("host", "host"), self._builtin("none", "null")

    def create(self, spec: NetworkSpec, existing: Iterable[Network]) -> Network:
        """A row for a user's network; its bridge comes with ``ensure``. The subnet is the instance's from now on.

        ``InvalidInput`` for what cannot be, ``Conflict`` when name or subnet are taken, ``Unavailable`` when all are.
        """
        others = list(existing)
        check_name(spec.name)
        if any(other.name == spec.name for other in others):
            raise Conflict(f"there is a network {spec.name} already", hint="choose another name, or remove it")
        if spec.driver != "bridge":
            raise InvalidInput(f"there is no network driver {spec.driver!r}", hint="bridge is the one to create")
        _check_options(spec.options)
        network_id, bridge = self._new_identity({other.bridge for other in others})
        taken = [(f"the network {n.name}", ipaddress.IPv4Network(n.subnet)) for n in others if n.subnet]
        with self._ledger.locked():
            plan = plan_subnet(spec)
            if plan is None:
                plan = self._subnets.choose([subnet for _, subnet in taken], _USER_PREFIX)
            else:
                self._subnets.check_free(plan.subnet, taken)
            segment = self._reserve(network_id, bridge, plan, internal=spec.internal)
        return Network(
            id=network_id,
            name=spec.name,
            driver="bridge",
            created=time.time(),
            subnet=segment.subnet,
            gateway=segment.gateway,
            ip_range=spec.ip_range,
            bridge=bridge,
            internal=spec.internal,
            dns=True,
            labels=spec.labels,
            options=spec.options,
        )

    def ensure(self, network: Network) -> None:
        """The network is ready for guests: bridge, rules, forwarding. When it was, that costs 0.1 ms and no process."""
        if network.driver != "bridge" or self._is_ready(network):
            return
        with self._ledger.locked():
            if not self._is_ready(network):  # another thread was first
                self._build([network])

    def remove(self, network: Network) -> None:
        """Takes bridge, rules and name server away; none is no error. ``Conflict`` while guests are on it."""
        if network.driver != "bridge":
            return
        if not _emptied(network.bridge):
            raise Conflict(f"guests are on the network {network.name}", hint="stop or disconnect them first")
        with self._ledger.locked():
            self._built.pop(network.id, None)
            self._leases.forget(network.id)
            self._drop_segment(network.id, network.bridge)
            self._firewall.renew()

    # Guests

    def netns_path(self, guest_id: str) -> str:
        """Where ``make_netns`` pins the guest's namespace."""
        return str(self._folder / guest_id)

    def make_netns(self, guest_id: str) -> str:
        """The path of a new network namespace with a loopback interface only."""
        path = self.netns_path(guest_id)
        with explained(f"make {self._folder}"):
            self._folder.mkdir(parents=True, exist_ok=True)
        endpoints.make_namespace(path)
        return path

    def remove_netns(self, path: str, places: Iterable[Endpoint] = ()) -> None:
        """An ended guest's namespace goes, its addresses are free; the kernel takes the links away a moment later.

        Not for a namespace that other guests share: ``detach`` first, or they keep the links.
        """
        endpoints.remove_namespace(path)
        for place in places:
            self._give_back(place)

    def attach(
        self,
        network: Network,
        guest_id: str,
        netns: str,
        *,
        used: Collection[str],
        interface: str = "eth0",
        ip: str = "",
        mac: str = "",
        aliases: Sequence[str] = (),
        default_route: bool = True,
    ) -> Endpoint:
        """Connect a guest to a bridge network. ``used``: the addresses the store knows to be taken there.

        ``ip``, ``mac`` "": chosen. Guests on an internal network get no default route. Errors leave nothing behind.
        """
        name = endpoints.host_interface(guest_id, interface)
        mac = check_mac(mac) if mac else ""
        self.ensure(network)
        plan = _plan_of(network)
        address = self._leases.take(network.id, plan, used, ip)
        place = Endpoint(
            network=network.name,
            network_id=network.id,
            ip_address=address,
            ip_prefix_len=plan.subnet.prefixlen,
            gateway="" if network.internal else network.gateway,
            mac_address=mac or mac_for(address),
            interface=interface,
            host_interface=name,
            aliases=tuple(aliases),
        )
        try:
            endpoints.plug(place, netns, network.bridge, default_route=default_route, mtu=_mtu(network))
        except BaseException:
            self._leases.give_back(network.id, address)
            raise
        return place

    def detach(self, place: Endpoint) -> None:
        """Take a guest off a network, whether it runs or not; no error when it was off."""
        if place.host_interface:
            endpoints.unplug(place.host_interface)
        self._give_back(place)

    def publish(
        self, guest_id: str, places: Sequence[Endpoint], bindings: Sequence[PortBinding]
    ) -> tuple[PortBinding, ...]:
        """Let the bindings lead to the guest, all or none; returned with the host ports and addresses in force.

        ``Conflict`` names a port that is taken and who has it. ``InvalidInput`` for IPv6, for protocols other than tcp
        and udp, for guests on internal networks only.
        """
        return self._publisher.publish(guest_id, places, bindings) if bindings else ()

    def unpublish(self, guest_id: str) -> None:
        """Shut all of the guest's ports; none is no error."""
        self._publisher.unpublish(guest_id)

    def set_names(self, network: Network, names: Mapping[str, Iterable[str]]) -> None:
        """Resolve exactly these names (to addresses) on a user's network from now on; with none its server ends."""
        if not network.dns:
            return
        if names:
            self._servers.serve(_segment(network), names)
        else:
            self._servers.stop(network.id)

    # The instance

    def sweep(self, live: Collection[str], networks: Iterable[Network]) -> None:
        """After a crash: only what belongs to live guests and the state's networks stays, and it works.

        ``live`` are the ids of guests that run; ``networks`` all rows. Their subnets are the instance's from now on.
        """
        rows = {network.id: network for network in networks if network.driver == "bridge"}
        with self._ledger.locked():
            for segment in self._ledger.read().segments:
                if segment.network_id not in rows:
                    self._drop_segment(segment.network_id, segment.bridge)
            self._ledger.write(Holdings(tuple(map(_segment, rows.values())), self._ledger.read().claims))
            self._publisher.adopt(live)
            self._sweep_links(live)
            self._servers.sweep(rows.keys())
            standing = [network for network in rows.values() if links.index_of(network.bridge)]
            if standing or self._firewall.stands():
                self._build(standing)
        for path in mounted_below(str(self._folder)):
            if Path(path).name not in live:
                self.remove_netns(path)

    def teardown(self) -> None:
        """Nothing of this instance stays on the host. Guests must have ended."""
        with self._ledger.locked():
            self._servers.sweep(())
            self._publisher.release_all()
            for segment in self._ledger.read().segments:
                bridges.remove_bridge(segment.bridge)
            self._ledger.write(Holdings())
            self._firewall.renew()
            forwarding.restore(self._ledger)
            self._ledger.close_page()
            self._built.clear()
        for path in mounted_below(str(self._folder)):
            self.remove_netns(path)

    def _give_back(self, place: Endpoint) -> None:
        if place.host_interface:  # else it is only what was asked for
            self._leases.give_back(place.network_id, place.ip_address)

    def _is_ready(self, network: Network) -> bool:
        index = links.index_of(network.bridge)
        return index > 0 and self._built.get(network.id) == index and self._firewall.stands()

    def _build(self, networks: Sequence[Network]) -> None:
        """Bridges first, then rules, then what the rules make safe. Whatever a crash left half done is done."""
        for network in networks:
            if not links.index_of(network.bridge):  # the subnet may be somebody else's since the bridge was here last
                self._subnets.check_free(ipaddress.IPv4Network(network.subnet), but=network.id)
            bridges.make_bridge(_segment(network), _mtu(network))
            self._ledger.write(self._ledger.read().with_segment(_segment(network)))
        must_forward = not all(network.internal for network in networks) and forwarding.prepare(self._ledger)
        self._firewall.renew()
        if must_forward:
            forwarding.switch_on()
        set_loopback(self._ledger.read(), [network.id for network in networks])
        for network in networks:
            if not network.dns and has_name_server(network, read_resolvers(self._host_resolv)):
                self._serve_host_names(_segment(network))
            self._built[network.id] = links.index_of(network.bridge)

    def _serve_host_names(self, segment: Segment) -> None:
        try:
            self._servers.serve(segment, {})
        except (Unavailable, Conflict) as error:  # guests run all the same
            _log.warning("guests on %s resolve no names: %s (%s)", segment.bridge, error, error.hint)

    def _drop_segment(self, network_id: str, bridge: str) -> None:
        self._servers.stop(network_id)
        bridges.remove_bridge(bridge)
        self._ledger.write(self._ledger.read().without_network(network_id))

    def _sweep_links(self, live: Collection[str]) -> None:
        short_ids = {guest_id[:12] for guest_id in live}
        for segment in self._ledger.read().segments:
            for link in bridges.links_in(segment.bridge):
                if endpoints.owner_of(link) not in short_ids:
                    endpoints.unplug(link)

    def _new_identity(self, taken: Collection[str]) -> tuple[str, str]:
        """An id and a bridge's name that is not in use: two networks on one bridge would not be apart."""
        while True:
            network_id = secrets.token_hex(32)
            bridge = bridges.bridge_name(self._tag, network_id)
            if bridge not in taken and not links.index_of(bridge):
                return network_id, bridge

    def _reserve(self, network_id: str, bridge: str, plan: Plan, *, internal: bool) -> Segment:
        segment = _segment_of(network_id, bridge, plan, internal=internal)
        self._ledger.write(self._ledger.read().with_segment(segment))
        return segment

    def _builtin(self, name: str, driver: str, *, bridge: str = "") -> Network:
        network_id = hashlib.sha256(f"wirt {self._tag} {name}".encode()).hexdigest()
        return Network(network_id, name, driver, time.time(), bridge=bridge, builtin=True)


def _emptied(bridge: str) -> bool:
    """Whether no guest is on the bridge. The kernel takes an ended guest's link away a moment later (cleanup_net)."""
    deadline = time.monotonic() + _LINK_PATIENCE
    while bridges.links_in(bridge):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _segment(network: Network) -> Segment:
    return Segment(network.id, network.bridge, network.subnet, network.gateway, network.internal)


def _segment_of(network_id: str, bridge: str, plan: Plan, *, internal: bool) -> Segment:
    return Segment(network_id, bridge, str(plan.subnet), str(plan.gateway), internal)


def _plan_of(network: Network) -> Plan:
    subnet = ipaddress.IPv4Network(network.subnet)
    ip_range = ipaddress.IPv4Network(network.ip_range) if network.ip_range else subnet
    return Plan(subnet, ipaddress.IPv4Address(network.gateway), ip_range)


def _mtu(network: Network) -> int:
    return int(network.options.get("mtu", "0"))


def _check_options(options: Mapping[str, str]) -> None:
    for name in options.keys() - _OPTIONS:
        raise InvalidInput(f"there is no network option {name!r}", hint=f"there are: {', '.join(_OPTIONS)}")
    mtu = options.get("mtu", "1500")
    with contextlib.suppress(ValueError):
        if 576 <= int(mtu) <= 65535:
            return
    raise InvalidInput(f"{mtu!r} is no MTU", hint="576 to 65535 bytes")
