"""A guest's end of the wire: its network namespace, and the veth pair that leads from there into a bridge."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time

from wirt.errors import Conflict, InvalidInput, NotFound
from wirt.host import links, netns
from wirt.host.netlink import Netlink
from wirt.host.sysctl import write_sysctl
from wirt.model.guest import Endpoint
from wirt.network.bridges import unlink
from wirt.network.failures import explained

__all__ = ["host_interface", "make_namespace", "owner_of", "plug", "remove_namespace", "unplug"]

_INTERFACE = re.compile(r"eth([0-9]{1,2})")
_LOOPBACK = 1  # lo's index in every namespace
_ID_LENGTH = 12
_PATIENCE = 1.0  # seconds

# What Docker's users find in a guest (docker-run(1)): low ports and ping without privileges; IPv6 on lo only. And a
# guest on two networks is no router between them: the switch would be inherited from the host.
_SETTINGS = (
    ("net/ipv4/ip_forward", "0"),
    ("net/ipv6/conf/default/disable_ipv6", "1"),
    ("net/ipv4/ip_unprivileged_port_start", "0"),
    ("net/ipv4/ping_group_range", "0 2147483647"),
)


def make_namespace(path: str) -> None:
    """A namespace pinned to ``path`` with nothing but a working loopback; in place of one left there by a crash."""
    with explained("make a network namespace"):
        try:
            netns.create(path, _furnish)
        except FileExistsError:
            netns.remove(path)
            netns.create(path, _furnish)


def _furnish() -> None:
    with links.open_route() as netlink:
        netlink.request(links.set_up(_LOOPBACK))
    for name, value in _SETTINGS:
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            write_sysctl(name, value)


def remove_namespace(path: str) -> None:
    """Unpin the namespace; no error where there is none."""
    with explained("remove a network namespace"):
        netns.remove(path)


def host_interface(guest_id: str, interface: str) -> str:
    """The name of a guest's interface on the host: ``v``, the short id, the number; 15 characters at most."""
    number = _INTERFACE.fullmatch(interface)
    if number is None:
        raise InvalidInput(f"{interface!r} is no name for a guest's interface", hint="eth0 to eth99")
    return f"v{guest_id[:_ID_LENGTH]}{number[1]}"


def owner_of(host_interface_name: str) -> str:
    """The short id of the guest whose link on the host has that name."""
    return host_interface_name[1 : 1 + _ID_LENGTH]


def plug(place: Endpoint, netns_path: str, bridge: str, *, default_route: bool, mtu: int = 0) -> None:
    """The veth pair of ``place``, from ``bridge`` into the namespace, with its address and, if asked for, the route."""
    name, interface = place.host_interface, place.interface
    with explained(f"connect the guest to {bridge}"), contextlib.ExitStack() as undo:
        try:
            fd = os.open(netns_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFound(f"there is no network namespace {netns_path}", hint="is the guest running?") from error
        undo.callback(os.close, fd)
        pair = links.add_veth(
            name, bridge=links.index_of(bridge), peer=interface, peer_netns=fd, peer_mac=place.mac_address, mtu=mtu
        )
        netlink = undo.enter_context(links.open_route())
        try:
            netlink.request(pair)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
            if netns.call_in(netns_path, lambda: links.index_of(interface)):
                raise Conflict(f"the guest has an interface {interface} already") from error
            # The guest was here a moment ago, and the kernel is not yet done with its old namespace.
            unlink(netlink, name)
            netlink.request(pair)
        try:
            netns.call_in(netns_path, lambda: _configure(place, default_route=default_route))
            _await_wire(netlink, links.index_of(name), links.index_of(bridge))
        except BaseException:
            unlink(netlink, name)
            raise


def _configure(place: Endpoint, *, default_route: bool) -> None:
    with links.open_route() as netlink:
        index = links.index_of(place.interface)
        address = links.add_address(index, place.ip_address, place.ip_prefix_len)
        route = (links.add_default_route(place.gateway),) if default_route and place.gateway else ()
        netlink.request(links.set_up(index), address, *route)


def _await_wire(netlink: Netlink, *indexes: int) -> None:
    """The kernel lets packets through a moment after all is up; an ARP request lost before that costs a second.

    The bridge itself takes none until its first port does.
    """
    deadline = time.monotonic() + _PATIENCE
    for index in indexes:
        while not links.is_carrying(netlink, index) and time.monotonic() < deadline:
            time.sleep(0.0005)


def unplug(name: str) -> None:
    """Takes a guest's link away, both ends, in some ten milliseconds; no error where there is none."""
    with explained(f"remove the link {name}"), links.open_route() as netlink:
        unlink(netlink, name)
