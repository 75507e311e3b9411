"""Bridges, veth pairs, addresses and routes: one function a request of rtnetlink(7), and what the kernel lists.

Functions that return a ``Message`` only describe a request, so that several can be sent at once (``Netlink.request``).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from wirt.abi.linux import rtnetlink as rt
from wirt.abi.linux.netlink import NETLINK_ROUTE, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE
from wirt.host.netlink import Message, Netlink, attribute, attributes, nested, text, u32

__all__ = [
    "add_address",
    "add_bridge",
    "add_default_route",
    "add_veth",
    "bridge_names",
    "delete_link",
    "index_of",
    "is_carrying",
    "open_route",
    "port_names",
    "routed_prefixes",
    "set_hairpin",
    "set_up",
]

_ANY = 0xFFFFFFFF


def open_route() -> Netlink:
    """A rtnetlink socket in the calling thread's network namespace."""
    return Netlink(NETLINK_ROUTE)


def index_of(name: str) -> int:
    """An interface's index in the calling thread's network namespace; 0 where there is no such interface."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def _link(index: int = 0, *, up: bool = False) -> bytes:
    return rt.ifinfomsg.pack(socket.AF_UNSPEC, 0, index, rt.IFF_UP if up else 0, rt.IFF_UP if up else 0)


def _shape(name: str, mac: str, mtu: int) -> bytes:
    address = attribute(rt.IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))) if mac else b""
    return text(rt.IFLA_IFNAME, name) + address + (u32(rt.IFLA_MTU, mtu) if mtu else b"")


def add_bridge(name: str, *, mac: str, mtu: int = 0) -> Message:
    """A bridge, down. With a MAC of its own it keeps it when ports come and go. ``mtu`` 0: the kernel's 1500."""
    kind = nested(rt.IFLA_LINKINFO, text(rt.IFLA_INFO_KIND, "bridge"))
    body = _link() + _shape(name, mac, mtu) + kind
    return Message(f"RTM_NEWLINK {name}", rt.RTM_NEWLINK, body, NLM_F_CREATE | NLM_F_EXCL)


def add_veth(name: str, *, bridge: int, peer: str, peer_netns: int, peer_mac: str, mtu: int = 0) -> Message:
    """A veth pair: ``name`` here, up, a port of ``bridge`` (index), and ``peer``, down, in the namespace of that fd.

    The kernel cannot bring up the peer in the same request: the two are not yet joined then (ENOTCONN).
    """
    other = _link() + _shape(peer, peer_mac, mtu) + u32(rt.IFLA_NET_NS_FD, peer_netns)
    kind = nested(
        rt.IFLA_LINKINFO,
        text(rt.IFLA_INFO_KIND, "veth"),
        nested(rt.IFLA_INFO_DATA, attribute(rt.VETH_INFO_PEER, other)),
    )
    body = _link(up=True) + _shape(name, "", mtu) + u32(rt.IFLA_MASTER, bridge) + kind
    return Message(f"RTM_NEWLINK {name}", rt.RTM_NEWLINK, body, NLM_F_CREATE | NLM_F_EXCL)


def delete_link(name: str) -> Message:
    """Takes a link away, and with it a veth's other end wherever that is."""
    return Message(f"RTM_DELLINK {name}", rt.RTM_DELLINK, _link() + text(rt.IFLA_IFNAME, name))


def set_up(index: int) -> Message:
    return Message(f"RTM_NEWLINK {index} up", rt.RTM_NEWLINK, _link(index, up=True))


def add_address(index: int, address: str, prefix_len: int) -> Message:
    """An IPv4 address with its subnet's broadcast address; the same address again is no error."""
    packed = socket.inet_aton(address)
    broadcast = int.from_bytes(packed, "big") | (_ANY >> prefix_len)
    body = (
        rt.ifaddrmsg.pack(socket.AF_INET, prefix_len, 0, rt.RT_SCOPE_UNIVERSE, index)
        + attribute(rt.IFA_LOCAL, packed)
        + attribute(rt.IFA_ADDRESS, packed)
        + attribute(rt.IFA_BROADCAST, broadcast.to_bytes(4, "big"))
    )
    call = f"RTM_NEWADDR {address}/{prefix_len}"
    return Message(call, rt.RTM_NEWADDR, body, NLM_F_CREATE | NLM_F_REPLACE)


def add_default_route(gateway: str) -> Message:
    """IPv4's default route through ``gateway``."""
    head = rt.rtmsg.pack(
        socket.AF_INET, 0, 0, 0, rt.RT_TABLE_MAIN, rt.RTPROT_BOOT, rt.RT_SCOPE_UNIVERSE, rt.RTN_UNICAST, 0
    )
    body = head + attribute(rt.RTA_GATEWAY, socket.inet_aton(gateway))
    return Message(f"RTM_NEWROUTE default via {gateway}", rt.RTM_NEWROUTE, body, NLM_F_CREATE | NLM_F_EXCL)


def routed_prefixes(netlink: Netlink) -> Iterator[tuple[ipaddress.IPv4Network, bool]]:
    """Every IPv4 prefix some table routes, but for default routes, and whether it is on a link of this host's own."""
    head = rt.rtmsg.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    for body in netlink.dump(Message("RTM_GETROUTE", rt.RTM_GETROUTE, head)):
        family, length, _, _, _, _, scope, kind, _ = rt.rtmsg.unpack_from(body)
        found = attributes(body[rt.rtmsg.size :])
        if family == socket.AF_INET and length and kind == rt.RTN_UNICAST and rt.RTA_DST in found:
            prefix = ipaddress.IPv4Network((int.from_bytes(found[rt.RTA_DST], "big"), length), strict=False)
            yield prefix, scope == rt.RT_SCOPE_LINK


def set_hairpin(index: int) -> Message:
    """Let a bridge send frames back through the port they came from; ``index`` is the port's."""
    head = rt.ifinfomsg.pack(socket.AF_BRIDGE, 0, index, 0, 0)
    mode = nested(rt.IFLA_PROTINFO, attribute(rt.IFLA_BRPORT_MODE, b"\1"))
    return Message(f"RTM_SETLINK {index} hairpin", rt.RTM_SETLINK, head + mode)


def is_carrying(netlink: Netlink, index: int) -> bool:
    """Whether a link takes packets, and as a bridge's port passes them on.

    A moment after both ends are up. Newer kernels bring what is pending to an end before they answer.
    """
    answer = netlink.fetch(Message(f"RTM_GETLINK {index}", rt.RTM_GETLINK, _link(index)))
    link = attributes(answer[rt.ifinfomsg.size :])
    kind = attributes(link.get(rt.IFLA_LINKINFO, b""))
    port = attributes(kind.get(rt.IFLA_INFO_SLAVE_DATA, b""))
    port_state = port.get(rt.IFLA_BRPORT_STATE, bytes([rt.BR_STATE_FORWARDING]))
    return link.get(rt.IFLA_OPERSTATE) == bytes([rt.IF_OPER_UP]) and port_state == bytes([rt.BR_STATE_FORWARDING])


def bridge_names(netlink: Netlink) -> set[str]:
    """Every bridge."""
    return _names(netlink, nested(rt.IFLA_LINKINFO, text(rt.IFLA_INFO_KIND, "bridge")))


def port_names(netlink: Netlink, bridge: int) -> set[str]:
    """The interfaces in a bridge, given by its index."""
    return _names(netlink, u32(rt.IFLA_MASTER, bridge))


def _names(netlink: Netlink, only: bytes) -> set[str]:
    found = (attributes(body[rt.ifinfomsg.size :]) for body in netlink.dump(_list_links(only)))
    return {link[rt.IFLA_IFNAME].rstrip(b"\0").decode() for link in found}


def _list_links(only: bytes) -> Message:
    return Message("RTM_GETLINK", rt.RTM_GETLINK, _link() + only)
