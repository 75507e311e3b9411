"""Which subnet a network gets, which address a guest gets: pure arithmetic over what is taken."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from wirt.errors import Conflict, InvalidInput, Unavailable
from wirt.model.network import NetworkSpec

__all__ = [
    "DEFAULT_POOLS",
    "Plan",
    "check_mac",
    "check_name",
    "choose_address",
    "choose_subnet",
    "mac_for",
    "overlapping",
    "plan_subnet",
]

# Not where Docker (172.16.0.0/12, 192.168.0.0/16), Podman (10.88.0.0/15), libvirt and Kubernetes look first.
DEFAULT_POOLS = ("10.213.0.0/16", "10.214.0.0/16", "10.215.0.0/16")

# This network, loopback, link-local, multicast and reserved (RFC 6890).
_SPECIAL = tuple(map(ipaddress.IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_RESERVED = frozenset({"bridge", "host", "none", "default", "container"})
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_LONGEST_PREFIX = 29  # the network's own, the broadcast and the gateway's address leave five


@dataclass(frozen=True, slots=True)
class Plan:
    """The addresses of one network: guests get theirs from ``ip_range``, which lies in ``subnet``."""

    subnet: ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address
    ip_range: ipaddress.IPv4Network


def check_name(name: str) -> None:
    """``InvalidInput`` unless ``name`` may be a user's network's."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for a network", hint="letters, digits, '_', '.' and '-', a letter or digit first"
        )
    if name in _RESERVED:
        raise InvalidInput(f"the name {name} is reserved", hint="choose another name")


def check_mac(mac: str) -> str:
    """``mac`` in lower case with colons; ``InvalidInput`` when it is no address of a single interface."""
    plain = mac.lower().replace("-", ":")
    if not _MAC.fullmatch(plain) or int(plain[:2], 16) & 1 or plain == "00:00:00:00:00:00":
        raise InvalidInput(f"{mac!r} is no unicast MAC address", hint="write it like 0a:57:0a:d5:00:02")
    return plain


def mac_for(address: str) -> str:
    """A locally administered MAC made of an IPv4 address, so that neighbours need not relearn who has the address."""
    return "0a:57:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def plan_subnet(spec: NetworkSpec) -> Plan | None:
    """The addresses ``spec`` asks for; None where it leaves the choice to us. ``InvalidInput``."""
    if not spec.subnet:
        if spec.gateway or spec.ip_range:
            raise InvalidInput("a gateway or an address range needs a subnet", hint="add --subnet")
        return None
    subnet = _network(spec.subnet, "subnet")
    if subnet.prefixlen < 8 or any(map(subnet.overlaps, _SPECIAL)):
        raise InvalidInput(
            f"{subnet} cannot be a guest's subnet", hint="take one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16"
        )
    if subnet.prefixlen > _LONGEST_PREFIX:
        raise InvalidInput(f"the subnet {subnet} is too small", hint=f"/{_LONGEST_PREFIX} is the smallest")
    ip_range = _network(spec.ip_range, "address range") if spec.ip_range else subnet
    if not ip_range.subnet_of(subnet):
        raise InvalidInput(f"the address range {ip_range} is not in the subnet {subnet}")
    return Plan(subnet, _gateway(spec.gateway, subnet), ip_range)


def _network(text: str, what: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError as error:
        if ":" in text:
            raise InvalidInput(f"the {what} {text} is IPv6", hint="guests have IPv4 addresses") from error
        raise InvalidInput(f"{text!r} is no {what}: {error}", hint="write it like 10.20.30.0/24") from error


def _gateway(text: str, subnet: ipaddress.IPv4Network) -> ipaddress.IPv4Address:
    if not text:
        return subnet.network_address + 1
    try:
        gateway = ipaddress.IPv4Address(text)
    except ValueError as error:
        raise InvalidInput(f"{text!r} is no IPv4 address for a gateway") from error
    if gateway not in subnet or gateway in (subnet.network_address, subnet.broadcast_address):
        raise InvalidInput(f"the gateway {gateway} is no host's address in the subnet {subnet}")
    return gateway


def choose_subnet(
    pools: Iterable[str], taken: Collection[ipaddress.IPv4Network], prefix_len: int
) -> ipaddress.IPv4Network:
    """The first subnet of that size in the pools that touches nothing in ``taken``; ``Unavailable`` without one."""
    size = 1 << (32 - prefix_len)
    for pool in map(ipaddress.IPv4Network, pools):
        candidate = int(pool.network_address)
        while candidate + size - 1 <= int(pool.broadcast_address):
            subnet = ipaddress.IPv4Network((candidate, prefix_len))
            hindrance = overlapping(subnet, taken)
            if hindrance is None:
                return subnet
            # Behind it, on the next boundary of our size: a /8 in the way costs one step.
            candidate = (int(hindrance.broadcast_address) + size) // size * size
    raise Unavailable(
        "every subnet of the address pools is in use on this host",
        hint="remove a network, or give one with --subnet",
    )


def choose_address(plan: Plan, taken: Collection[int], after: int = 0, asked: str = "") -> int:
    """A guest's address as a number: ``asked`` if given, else the next free one after ``after``, round and round.

    An address that was just given back is the last to be given out again. ``Conflict`` when ``asked`` is taken or
    nothing is free, ``InvalidInput`` when it is none of the subnet's.
    """
    subnet = plan.subnet
    unusable = {int(subnet.network_address), int(subnet.broadcast_address), int(plan.gateway)}
    if asked:
        return _asked(asked, subnet, unusable, taken)
    first, last = int(plan.ip_range.network_address), int(plan.ip_range.broadcast_address)
    size = last - first + 1
    start = after + 1 if first <= after < last else first
    for step in range(size):
        candidate = first + (start - first + step) % size
        if candidate not in taken and candidate not in unusable:
            return candidate
    raise Conflict(f"no address is free in {plan.ip_range}", hint="remove guests, or make a larger network")


def _asked(asked: str, subnet: ipaddress.IPv4Network, unusable: Collection[int], taken: Collection[int]) -> int:
    try:
        address = ipaddress.IPv4Address(asked)
    except ValueError as error:
        raise InvalidInput(f"{asked!r} is no IPv4 address") from error
    if address not in subnet or int(address) in unusable:
        raise InvalidInput(f"{address} is no guest's address in the subnet {subnet}")
    if int(address) in taken:
        raise Conflict(f"the address {address} is in use", hint="leave --ip away, or choose another")
    return int(address)


def overlapping(subnet: ipaddress.IPv4Network, others: Iterable[ipaddress.IPv4Network]) -> ipaddress.IPv4Network | None:
    """The first of ``others`` that shares an address with ``subnet``."""
    return next((other for other in others if other.overlaps(subnet)), None)
