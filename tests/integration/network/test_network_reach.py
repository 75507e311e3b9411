"""Who reaches whom: guests, the host, a neighbour on the host's LAN."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from wirt.host.sysctl import read_sysctl, write_sysctl
from wirt.network import bridges

pytestmark = pytest.mark.root

HOST = "198.51.100.1"
NEIGHBOUR = "198.51.100.2"
FORWARD = "net/ipv4/ip_forward"


def here(function: Callable[[], Any]) -> Any:
    return function()


def test_guest_reaches_the_outside_under_the_hosts_address(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    for protocol in ("tcp", "udp"):
        service = serve(neighbour.call, 80, protocol)
        assert reach(guest.call, NEIGHBOUR, 80, service) == HOST


def test_guests_of_one_network_reach_one_another_and_the_host(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    one, two = host.guest(networks, bridge), host.guest(networks, bridge)
    assert reach(one.call, two.ip, 80, serve(two.call, 80)) == one.ip
    assert reach(one.call, bridge.gateway, 81, serve(here, 81)) == one.ip
    assert reach(here, one.ip, 82, serve(one.call, 82)) == bridge.gateway


def test_guests_of_different_networks_are_apart(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    one = host.guest(networks, networks.builtins()[0])
    two = host.guest(networks, host.network(networks, "other"))
    for protocol in ("tcp", "udp"):
        assert reach(one.call, two.ip, 80, serve(two.call, 80, protocol)) == ""


def test_guests_of_different_instances_are_apart(host: Any, serve: Any, reach: Any) -> None:
    first, second = host.instance(), host.instance("ab12cd")
    one = host.guest(first, first.builtins()[0])
    two = host.guest(second, second.builtins()[0])
    assert one.ip != two.ip
    assert reach(one.call, two.ip, 80, serve(two.call, 80)) == ""
    assert reach(two.call, one.ip, 80, serve(one.call, 80)) == ""


def test_guest_on_two_networks_reaches_both(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    first, second = networks.builtins()[0], host.network(networks, "second")
    both, one, two = host.guest(networks, first, second), host.guest(networks, first), host.guest(networks, second)
    assert reach(both.call, one.ip, 80, serve(one.call, 80)) == both.endpoints[0].ip_address
    assert reach(both.call, two.ip, 80, serve(two.call, 80)) == both.endpoints[1].ip_address


def test_neighbour_who_routes_through_the_host_does_not_reach_guests(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    for protocol in ("tcp", "udp"):
        assert reach(neighbour.call, guest.ip, 80, serve(guest.call, 80, protocol)) == ""


def test_internal_network_has_no_way_out_or_in(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    internal = host.network(networks, "internal", internal=True)
    one, two = host.guest(networks, internal), host.guest(networks, internal)
    other = host.guest(networks, networks.builtins()[0])
    assert reach(one.call, two.ip, 80, serve(two.call, 80)) == one.ip
    assert reach(here, one.ip, 82, serve(one.call, 82)) == internal.gateway
    assert one.endpoints[0].gateway == ""
    for guest in (one, two):  # even when the guest's root sets the route itself
        guest.run("ip", "route", "add", "default", "via", internal.gateway)
    outside, inside, on_host = serve(neighbour.call, 81), serve(one.call, 81), serve(here, 81)
    assert reach(one.call, NEIGHBOUR, 81, outside) == ""
    assert reach(one.call, NEIGHBOUR, 81, serve(neighbour.call, 81, "udp")) == ""  # not even one way
    assert reach(neighbour.call, one.ip, 81, serve(one.call, 81, "udp")) == ""
    assert reach(one.call, internal.gateway, 81, on_host) == ""
    assert reach(one.call, HOST, 81, on_host) == ""
    assert reach(neighbour.call, one.ip, 81, inside) == ""
    assert reach(other.call, one.ip, 81, inside) == ""
    assert reach(one.call, other.ip, 83, serve(other.call, 83)) == ""


def test_internal_network_takes_in_nothing_that_others_translate(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    networks.ensure(networks.builtins()[0])
    guest = host.guest(networks, host.network(networks, "internal", internal=True))
    chain = "type nat hook prerouting priority -101; policy accept"
    rules = f"table ip foreign {{\nchain in {{\n{chain}\nudp dport 8080 dnat to {guest.ip}:80\n}}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)
    assert reach(neighbour.call, HOST, 8080, serve(guest.call, 80, "udp")) == ""
    subprocess.run(["nft", "delete", "table", "ip", "foreign"], check=True)


def test_guest_cannot_speak_for_an_address_elsewhere(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    guest.run("ip", "address", "add", "203.0.113.9/32", "dev", "eth0")
    service = serve(neighbour.call, 80, "udp")
    assert reach(guest.call, NEIGHBOUR, 80, service, source=guest.ip) == HOST
    assert reach(guest.call, NEIGHBOUR, 80, service, source="203.0.113.9") == ""


def test_bridge_address_answers_on_its_own_bridge_only(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge, other = networks.builtins()[0], host.network(networks, "other")
    guest, stranger = host.guest(networks, bridge), host.guest(networks, other)
    service = serve(here, 80, address=bridge.gateway)
    assert reach(guest.call, bridge.gateway, 80, service) == guest.ip
    assert reach(here, bridge.gateway, 80, service) == bridge.gateway
    assert reach(stranger.call, bridge.gateway, 80, service) == ""
    assert reach(neighbour.call, bridge.gateway, 80, service) == ""


def test_guest_without_network_has_a_loopback_and_low_ports(host: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks)

    def inside() -> tuple[list[str], str]:
        names = [name for _, name in socket.if_nameindex()]
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.create_server((address, 0), family=family) as server:
                socket.create_connection(server.getsockname()[:2], timeout=5).close()
        return names, read_sysctl("net/ipv4/ip_unprivileged_port_start")

    assert guest.call(inside) == (["lo"], "0")


def test_guest_on_two_networks_is_no_router(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    first, second = networks.builtins()[0], host.network(networks, "second")
    both, one, two = host.guest(networks, first, second), host.guest(networks, first), host.guest(networks, second)
    one.run("ip", "route", "add", second.subnet, "via", both.endpoints[0].ip_address)
    two.run("ip", "route", "add", first.subnet, "via", both.endpoints[1].ip_address)
    assert reach(one.call, two.ip, 80, serve(two.call, 80)) == ""


def test_guest_and_bridge_have_no_ipv6(host: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest = host.guest(networks, bridge)
    assert guest.call(lambda: read_sysctl("net/ipv6/conf/eth0/disable_ipv6")) == "1"
    assert read_sysctl(f"net/ipv6/conf/{bridge.bridge}/disable_ipv6") == "1"


def test_forwarding_is_switched_on_for_guests_and_nobody_else(host: Any, serve: Any, reach: Any) -> None:
    one, two = host.neighbour(), host.neighbour("uplink1", "203.0.113.1", "203.0.113.2")
    networks = host.instance()
    assert read_sysctl(FORWARD) == "0"
    internal = host.network(networks, "internal", internal=True)
    networks.ensure(internal)
    assert read_sysctl(FORWARD) == "0"
    guest = host.guest(networks, networks.builtins()[0])
    assert read_sysctl(FORWARD) == "1"
    assert reach(guest.call, "203.0.113.2", 80, serve(two.call, 80)) == "203.0.113.1"
    assert reach(one.call, "203.0.113.2", 81, serve(two.call, 81)) == ""
    networks.teardown()
    assert read_sysctl(FORWARD) == "0"


def test_forwarding_that_was_on_stays_as_it_was(host: Any, serve: Any, reach: Any) -> None:
    one, two = host.neighbour(), host.neighbour("uplink1", "203.0.113.1", "203.0.113.2")
    write_sysctl(FORWARD, "1")
    networks = host.instance()
    host.guest(networks, networks.builtins()[0])
    assert reach(one.call, "203.0.113.2", 80, serve(two.call, 80)) == NEIGHBOUR
    networks.teardown()
    assert read_sysctl(FORWARD) == "1"


def test_forwarding_stays_on_while_another_instance_needs_it(host: Any) -> None:
    host.neighbour()
    first, second = host.instance(), host.instance("ab12cd")
    first.ensure(first.builtins()[0])
    second.ensure(second.builtins()[0])
    first.teardown()
    assert read_sysctl(FORWARD) == "1"
    second.teardown()
    assert read_sysctl(FORWARD) == "0"


def test_forwarding_is_not_kept_on_by_an_instance_that_is_gone(host: Any) -> None:
    """Its page in the ledger stayed, as after kill -9, and a person took its bridge away."""
    host.neighbour()
    first, gone = host.instance(), host.instance("ab12cd")
    first.ensure(first.builtins()[0])
    gone.ensure(gone.builtins()[0])
    bridges.remove_bridge(gone.builtins()[0].bridge)
    first.teardown()
    assert read_sysctl(FORWARD) == "0"
    gone.teardown()
