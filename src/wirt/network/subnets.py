"""Subnets that nobody on this host uses: no other network of this or another instance, no route, no interface."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from wirt.errors import Conflict
from wirt.host import links
from wirt.network.addresses import Plan, choose_subnet, overlapping
from wirt.network.failures import explained
from wirt.network.ledger import Ledger

__all__ = ["Subnets"]


class Subnets:
    """Called with the ledger's lock held, until the choice is written there."""

    def __init__(self, ledger: Ledger, pools: Sequence[str]) -> None:
        self._ledger = ledger
        self._pools = tuple(pools)

    def choose(self, taken: Iterable[ipaddress.IPv4Network], prefix_len: int) -> Plan:
        """A free subnet of that size out of the pools; ``Unavailable`` when there is none."""
        routed = {prefix for prefix, _ in _routed()}
        reserved = {subnet for _, subnet in self._reserved("")}
        subnet = choose_subnet(self._pools, routed | reserved | set(taken), prefix_len)
        return Plan(subnet, subnet.network_address + 1, subnet)

    def check_free(
        self, subnet: ipaddress.IPv4Network, taken: Iterable[tuple[str, ipaddress.IPv4Network]] = (), but: str = ""
    ) -> None:
        """``Conflict`` unless nobody uses the subnet, the network with the id ``but`` excepted.

        It may be part of a wide route to elsewhere: people give guests a piece of their own organisation's addresses.
        """
        near = [("an interface of this host", prefix) for prefix, is_near in _routed() if is_near]
        for owner, other in [*taken, *self._reserved(but), *near]:
            if overlapping(subnet, [other]):
                raise Conflict(f"the subnet {subnet} overlaps {other} of {owner}", hint="choose another, or name none")

    def _reserved(self, but: str) -> list[tuple[str, ipaddress.IPv4Network]]:
        pages = {"another network": self._ledger.read()}
        pages |= {f"the wirt instance {name}": page for name, page in self._ledger.others().items()}
        segments = ((owner, segment) for owner, page in pages.items() for segment in page.segments)
        return [(owner, ipaddress.IPv4Network(s.subnet)) for owner, s in segments if s.network_id != but]


def _routed() -> list[tuple[ipaddress.IPv4Network, bool]]:
    with explained("list the host's routes"), links.open_route() as netlink:
        return list(links.routed_prefixes(netlink))
