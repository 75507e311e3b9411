from __future__ import annotations

from pathlib import Path

import pytest

from wirt.errors import InvalidInput
from wirt.model.network import Network
from wirt.network.resolv import Resolvers, has_name_server, hosts_file, names_file, read_resolvers, resolv_conf

BRIDGE = Network("b", "bridge", "bridge", 0.0, "10.0.0.0/24", "10.0.0.1", bridge="wirt0", builtin=True)
MINE = Network("m", "mine", "bridge", 0.0, "10.0.1.0/24", "10.0.1.1", bridge="wirt-m", dns=True)
INSIDE = Network("i", "in", "bridge", 0.0, "10.0.2.0/24", "10.0.2.1", bridge="wirt-i", dns=True, internal=True)
HOST = Resolvers(("192.0.2.53", "fd00::53"), ("corp.example",), ("timeout:1",))
LOOPBACK = Resolvers(("127.0.0.1", "::1"), ("corp.example",))


def test_guest_on_the_default_network_asks_the_hosts_resolvers() -> None:
    expected = "nameserver 192.0.2.53\nsearch corp.example\noptions timeout:1\n"
    assert resolv_conf([BRIDGE], host=HOST) == expected


def test_guest_on_a_network_with_names_asks_there_and_for_the_plain_name_first() -> None:
    expected = "nameserver 10.0.1.1\nsearch corp.example\noptions timeout:1 ndots:0\n"
    assert resolv_conf([BRIDGE, MINE], host=HOST) == expected
    assert "ndots:0" not in resolv_conf([MINE], options=["ndots:2"], host=HOST)


def test_given_servers_are_the_only_ones() -> None:
    text = resolv_conf([MINE], ["192.0.2.9"], ["a.example", "b.example"], ["rotate"], host=HOST)
    assert text == "nameserver 192.0.2.9\nsearch a.example b.example\noptions rotate\n"
    assert "search" not in resolv_conf([MINE], search=["."], host=HOST)
    with pytest.raises(InvalidInput, match=r"'dns\.example' is no address"):
        resolv_conf([MINE], ["dns.example"], host=HOST)


def test_resolvers_on_the_hosts_loopback_are_asked_through_the_bridge() -> None:
    assert resolv_conf([BRIDGE], host=LOOPBACK).startswith("nameserver 10.0.0.1\n")
    assert has_name_server(BRIDGE, LOOPBACK)
    assert not has_name_server(BRIDGE, HOST)
    assert has_name_server(INSIDE, HOST)


def test_servers_behind_a_stub_are_found(tmp_path: Path) -> None:
    stub, uplinks = tmp_path / "stub", tmp_path / "uplinks"
    stub.write_text("# stub\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch corp.example .\n")
    uplinks.write_text("nameserver 192.0.2.53\nnameserver 192.0.2.54\n")
    found = read_resolvers(stub, uplinks)
    assert found == Resolvers(("192.0.2.53", "192.0.2.54"), ("corp.example",), ("edns0", "trust-ad"))
    assert read_resolvers(stub, tmp_path / "none").reachable == ()
    assert read_resolvers(tmp_path / "none", tmp_path / "none") == Resolvers()


def test_hosts_file_names_the_guest_and_what_was_added() -> None:
    text = hosts_file("web", ["10.0.0.2"], ["db:10.0.0.9", "up:host-gateway", "six:[fd00::1]"], gateway="10.0.0.1")
    assert text.splitlines() == [
        "127.0.0.1 localhost",
        "::1 localhost ip6-localhost ip6-loopback",
        "10.0.0.2 web",
        "10.0.0.9 db",
        "10.0.0.1 up",
        "fd00::1 six",
    ]
    assert "10.0.0.2 web.example web" in hosts_file("web", ["10.0.0.2"], domainname="example")
    for entry in ("db", "db:", "db:here", "up:host-gateway"):
        with pytest.raises(InvalidInput, match="names no address"):
            hosts_file("web", [], [entry])


def test_names_file_is_the_same_for_the_same_names() -> None:
    assert names_file({"b": ["10.0.0.3", "10.0.0.2"], "a": ["10.0.0.2"]}) == "10.0.0.2 a\n10.0.0.2 b\n10.0.0.3 b\n"
