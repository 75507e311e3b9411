"""Published ports: claimed in the ledger, guarded by a socket, let in by a rule."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection, Sequence

from wirt.errors import InvalidInput
from wirt.host.netfilter import forget_udp_flows
from wirt.model.guest import Endpoint, PortBinding
from wirt.network.bridges import allow_loopback, set_hairpin
from wirt.network.failures import explained
from wirt.network.firewall import Firewall
from wirt.network.ledger import Claim, Holdings, Ledger
from wirt.network.ports import claim_ports, hold

__all__ = ["Publisher", "set_loopback"]


class Publisher:
    """The ports of one instance. Everything but ``guards`` is in the ledger, and under its lock so is ``guards``."""

    def __init__(self, ledger: Ledger, firewall: Firewall) -> None:
        self._ledger = ledger
        self._firewall = firewall
        self._guards: dict[str, list[socket.socket]] = {}

    def publish(
        self, guest_id: str, endpoints: Sequence[Endpoint], bindings: Sequence[PortBinding]
    ) -> tuple[PortBinding, ...]:
        """The bindings with the ports that were chosen; all of them or, with an error, none."""
        with self._ledger.locked():
            holdings = self._ledger.read()
            endpoint = _public(endpoints, holdings)
            taken = [*holdings.claims, *(c for page in self._ledger.others().values() for c in page.claims)]
            made = claim_ports(guest_id, endpoint, bindings, taken)
            claims = tuple(claim for claim, _ in made)
            try:
                self._open(Holdings(holdings.segments, holdings.claims + claims), endpoint, claims)
            except BaseException:
                self._ledger.write(holdings)
                for _, guard in made:
                    guard.close()
                raise
            self._guards.setdefault(guest_id, []).extend(guard for _, guard in made)
        _forget_flows(claims)
        return tuple(PortBinding(c.guest_port, c.host_port, c.protocol, c.host_ip) for c in claims)

    def unpublish(self, guest_id: str) -> None:
        """Shut the guest's ports; a guest without any costs a look into the ledger."""
        if not any(claim.guest_id == guest_id for claim in self._ledger.read().claims):
            return
        with self._ledger.locked():
            holdings = self._ledger.read()
            gone = tuple(claim for claim in holdings.claims if claim.guest_id == guest_id)
            kept = Holdings(holdings.segments, tuple(c for c in holdings.claims if c.guest_id != guest_id))
            self._ledger.write(kept)
            self._firewall.shut(gone)
            set_loopback(kept, {claim.network_id for claim in gone})
            for guard in self._guards.pop(guest_id, []):
                guard.close()
        _forget_flows(gone)

    def adopt(self, live: Collection[str]) -> None:
        """Guard the ports of live guests again, and take those of others off the ledger. Called with its lock held."""
        holdings = self._ledger.read()
        kept = tuple(claim for claim in holdings.claims if claim.guest_id in live)
        if kept != holdings.claims:
            self._ledger.write(Holdings(holdings.segments, kept))
        for guest_id in self._guards.keys() - set(live):
            self._release(guest_id)
        known = set(self._guards)
        for claim in kept:
            guard = hold(claim) if claim.guest_id not in known else None
            if guard is not None:
                self._guards.setdefault(claim.guest_id, []).append(guard)

    def release_all(self) -> None:
        """Guard nothing any more."""
        for guest_id in list(self._guards):
            self._release(guest_id)

    def _open(self, holdings: Holdings, endpoint: Endpoint, claims: Sequence[Claim]) -> None:
        self._ledger.write(holdings)
        self._firewall.open(claims)
        set_loopback(holdings, {endpoint.network_id})
        set_hairpin(endpoint.host_interface)

    def _release(self, guest_id: str) -> None:
        for guard in self._guards.pop(guest_id, []):
            guard.close()


def set_loopback(holdings: Holdings, network_ids: Collection[str]) -> None:
    """Let the host's loopback addresses into the networks' bridges while a published port needs it, and not longer."""
    for segment in holdings.segments:
        if segment.network_id in network_ids:
            allow_loopback(segment.bridge, allowed=holdings.uses_loopback(segment.network_id))


def _public(endpoints: Sequence[Endpoint], holdings: Holdings) -> Endpoint:
    """The guest's first place on a network that may be reached from outside."""
    for endpoint in endpoints:
        segment = holdings.segment(endpoint.network_id)
        if segment is not None and not segment.internal:
            return endpoint
    raise InvalidInput(
        "ports can be published on a bridge network that is not internal only",
        hint="connect the guest to one, or leave -p away",
    )


def _forget_flows(claims: Sequence[Claim]) -> None:
    for port in {claim.host_port for claim in claims if claim.protocol == "udp"}:
        with contextlib.suppress(OSError), explained(f"forget the flows to port {port}/udp"):
            forget_udp_flows(port)
