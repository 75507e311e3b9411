"""A network's bridge on the host."""

from __future__ import annotations

import contextlib
import errno
import ipaddress

from wirt.errors import Conflict
from wirt.host import links
from wirt.host.netlink import Netlink
from wirt.host.sysctl import write_sysctl
from wirt.network.addresses import mac_for
from wirt.network.failures import explained
from wirt.network.ledger import Segment

__all__ = ["allow_loopback", "bridge_name", "links_in", "make_bridge", "remove_bridge", "set_hairpin", "unlink"]


def bridge_name(tag: str, network_id: str = "") -> str:
    """The interface of a network, without ``network_id`` of the default one. All begin with ``wirt``, for firewalls."""
    if not network_id:
        return f"wirt-{tag}" if tag else "wirt0"
    # 15 characters at most (IFNAMSIZ), of which an instance's tag takes six.
    return f"wirt{tag}{network_id[:5]}" if tag else f"wirt-{network_id[:8]}"


def make_bridge(segment: Segment, mtu: int = 0) -> None:
    """The bridge, up, with the gateway's address, without IPv6. What is there already stays as it is."""
    name = segment.bridge
    with explained(f"make the bridge {name}"), links.open_route() as netlink:
        try:
            netlink.request(links.add_bridge(name, mac=mac_for(segment.gateway), mtu=mtu))
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
            if name not in links.bridge_names(netlink):
                raise Conflict(
                    f"the interface {name} is there and is no bridge", hint=f"rename it: ip link set {name} name OTHER"
                ) from error
        with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
            write_sysctl(f"net/ipv6/conf/{name}/disable_ipv6", "1")
        index = links.index_of(name)
        prefix_len = ipaddress.IPv4Network(segment.subnet).prefixlen
        netlink.request(links.add_address(index, segment.gateway, prefix_len), links.set_up(index))


def remove_bridge(name: str) -> None:
    """Takes the bridge and every guest's link in it away; no error where there is none."""
    with explained(f"remove the bridge {name}"), links.open_route() as netlink:
        if name in links.bridge_names(netlink):
            for link in (*links_in(name), name):
                unlink(netlink, link)


def unlink(netlink: Netlink, name: str) -> None:
    """Takes a link away; no error where there is none. ``OSError``."""
    try:
        netlink.request(links.delete_link(name))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


def links_in(name: str) -> set[str]:
    """The guests' links in the bridge; none where there is no such bridge."""
    index = links.index_of(name)
    if not index:
        return set()
    with links.open_route() as netlink:
        return links.port_names(netlink, index)


def allow_loopback(name: str, *, allowed: bool) -> None:
    """Whether packets of the host's 127.0.0.0/8 may pass the bridge, as published ports need it (see ``rules``)."""
    with explained(f"set route_localnet of {name}"):
        write_sysctl(f"net/ipv4/conf/{name}/route_localnet", "1" if allowed else "0")


def set_hairpin(host_interface: str) -> None:
    """Let frames go back to the guest they came from.

    Needed where bridged frames pass the packet filter (br_netfilter): a guest that calls its own published port is
    then translated within the bridge.
    """
    with explained(f"set the hairpin mode of {host_interface}"), links.open_route() as netlink:
        netlink.request(links.set_hairpin(links.index_of(host_interface)))
