"""The packet filter's rules of one instance, as text for nft(8): one table, made anew as a whole, ports added singly.

What the rules promise, whoever sends:

- A bridge's guests reach one another, the host, and (not from an internal network) what lies beyond, under the
  host's address. Guests on different bridges do not reach one another.
- From outside nothing reaches a guest but what a published port lets in: ``ct status dnat`` is true of nothing else. A
  neighbour on the host's own network who routes a guest's subnet through the host, or sends packets to 127.0.0.1, gets
  nowhere.
- ``route_localnet``, which a port published on 127.0.0.1 needs on its bridge, would let guests send packets to the
  host's 127.0.0.1. They are dropped in ``arriving``, before translation: answers of a published port still bear the
  bridge's own address there.
- A guest speaks under addresses of its own bridge's subnet only, and reaches a bridge's address only on its own bridge.

The table is of the family ``ip``: bridges and guests have no IPv6.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wirt.network.ledger import ANYWHERE, Claim, Segment

__all__ = ["add_claims", "delete_claims", "drop_table", "table_name", "whole_table"]


def table_name(tag: str) -> str:
    """The instance's table (family ip)."""
    return f"wirt_{tag}" if tag else "wirt"


def drop_table(table: str) -> str:
    """Takes the table away; no error where there is none."""
    return f"add table ip {table}\ndelete table ip {table}\n"


def whole_table(table: str, segments: Sequence[Segment], claims: Sequence[Claim], fence: Sequence[str]) -> str:
    """The table in place of the one before it, in one transaction: no packet meets half of it."""
    routed = [segment for segment in segments if not segment.internal]
    sets = [
        _set("bridges", "ifname", [_quoted(s.bridge) for s in segments]),
        _set("internal", "ifname", [_quoted(s.bridge) for s in segments if s.internal]),
        _set("within", "ifname . ifname", [f"{_quoted(s.bridge)} . {_quoted(s.bridge)}" for s in segments]),
        _set("gateways", "ipv4_addr", [s.gateway for s in segments]),
        _set("routed", "ipv4_addr", [s.subnet for s in routed], interval=True),
        _set("hairpins", "ipv4_addr . ipv4_addr", [f"{s.subnet} . {s.subnet}" for s in routed], interval=True),
        _set("fence", "ifname", [_quoted(name) for name in fence]),
    ]
    return f"{drop_table(table)}table ip {table} {{\n{''.join(sets)}{_MAPS}{_CHAINS}}}\n" + add_claims(table, claims)


def add_claims(table: str, claims: Iterable[Claim]) -> str:
    """Lets published ports in."""
    return "".join(f"add element ip {table} {_element(claim)}\n" for claim in claims)


def delete_claims(table: str, claims: Iterable[Claim]) -> str:
    """Shuts published ports; an error for the whole transaction when one is not there."""
    return "".join(f"delete element ip {table} {_element(claim)}\n" for claim in claims)


def _element(claim: Claim) -> str:
    where = f"{claim.protocol} . {claim.host_port} : {claim.guest_ip} . {claim.guest_port}"
    if claim.host_ip == ANYWHERE:
        return f"published_anywhere {{ {where} }}"
    return f"published {{ {claim.host_ip} . {where} }}"


def _quoted(interface: str) -> str:
    return f'"{interface}"'


def _set(name: str, kind: str, elements: Iterable[str], *, interval: bool = False) -> str:
    flags = "    flags interval\n" if interval else ""
    listed = ", ".join(elements)
    content = f"    elements = {{ {listed} }}\n" if listed else ""
    return f"  set {name} {{\n    type {kind}\n{flags}{content}  }}\n"


_MAPS = """\
  map published {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
  }
  map published_anywhere {
    type inet_proto . inet_service : ipv4_addr . inet_service
  }
"""

# Where nft's own names for priorities end (dstnat at the output hook), numbers stand: -100 is NF_IP_PRI_NAT_DST.
_CHAINS = """\
  chain arriving {
    type filter hook prerouting priority raw; policy accept
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges fib saddr . iif oif missing drop
    iifname != "lo" ip daddr @gateways fib daddr . iif type != local drop
  }
  chain translate {
    dnat ip to ip daddr . meta l4proto . th dport map @published
    fib daddr type local dnat ip to meta l4proto . th dport map @published_anywhere
  }
  chain from_outside {
    type nat hook prerouting priority dstnat; policy accept
    ip daddr 127.0.0.0/8 return
    goto translate
  }
  chain from_host {
    type nat hook output priority -100; policy accept
    goto translate
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
    ip saddr . ip daddr @hairpins ct status dnat masquerade
    ip saddr @routed oifname != "lo" oifname != @bridges masquerade
  }
  chain between {
    type filter hook forward priority filter; policy accept
    iifname . oifname @within accept
    iifname @internal drop
    oifname @internal drop
    oifname @bridges ct state established,related accept
    oifname @bridges ct status dnat accept
    oifname @bridges drop
    iifname @fence oifname @fence drop
  }
  chain to_host {
    type filter hook input priority filter; policy accept
    iifname @internal ct state established,related accept
    iifname @internal meta l4proto { tcp, udp } th dport 53 accept
    iifname @internal drop
  }
"""
