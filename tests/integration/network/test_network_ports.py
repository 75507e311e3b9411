"""Published ports: they lead where they should, from everywhere they were asked to, and from nowhere else."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from wirt.errors import Conflict, InvalidInput
from wirt.host.sysctl import read_sysctl
from wirt.model.guest import PortBinding

pytestmark = pytest.mark.root

HOST = "198.51.100.1"
NEIGHBOUR = "198.51.100.2"
PROTOCOLS = ("tcp", "udp")


def here(function: Callable[[], Any]) -> Any:
    return function()


def publish(networks: Any, guest: Any, *bindings: PortBinding) -> tuple[PortBinding, ...]:
    return tuple(networks.publish(guest.id, guest.endpoints, bindings))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_port_is_reached_from_everywhere(host: Any, serve: Any, reach: Any, protocol: str) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest, sibling = host.guest(networks, bridge), host.guest(networks, bridge)
    stranger = host.guest(networks, host.network(networks, "other"))
    assert publish(networks, guest, PortBinding(80, 8080, protocol)) == (PortBinding(80, 8080, protocol, "0.0.0.0"),)
    service = serve(guest.call, 80, protocol)
    assert reach(neighbour.call, HOST, 8080, service) == NEIGHBOUR
    assert reach(here, HOST, 8080, service) == HOST
    assert reach(here, "127.0.0.1", 8080, service) == bridge.gateway
    assert reach(here, bridge.gateway, 8080, service) == bridge.gateway
    assert reach(sibling.call, HOST, 8080, service) == bridge.gateway
    assert reach(guest.call, HOST, 8080, service) == bridge.gateway
    assert reach(guest.call, bridge.gateway, 8080, service) == bridge.gateway
    assert reach(stranger.call, HOST, 8080, service) == stranger.ip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_port_on_loopback_is_for_the_host_alone(host: Any, serve: Any, reach: Any, protocol: str) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest, sibling = host.guest(networks, bridge), host.guest(networks, bridge)
    publish(networks, guest, PortBinding(80, 8080, protocol, "127.0.0.1"))
    service = serve(guest.call, 80, protocol)
    assert reach(here, "127.0.0.1", 8080, service) == bridge.gateway
    for call in (here, neighbour.call, sibling.call, guest.call):
        assert reach(call, HOST, 8080, service) == ""
    assert reach(neighbour.call, guest.ip, 80, service) == ""
    send_to_loopback(neighbour, HOST)
    assert reach(neighbour.call, "127.0.0.1", 8080, service, source=NEIGHBOUR) == ""


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_guest_does_not_reach_the_hosts_loopback(host: Any, serve: Any, reach: Any, protocol: str) -> None:
    """The hole of route_localnet, which the published port switches on."""
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest = host.guest(networks, bridge)
    publish(networks, guest, PortBinding(80, 8080, protocol, "127.0.0.1"))
    assert read_sysctl(f"net/ipv4/conf/{bridge.bridge}/route_localnet") == "1"
    secret = serve(here, 5000, protocol, "127.0.0.1")
    send_to_loopback(guest, bridge.gateway)
    assert reach(guest.call, "127.0.0.1", 5000, secret, source=guest.ip) == ""


def send_to_loopback(who: Any, gateway: str) -> None:
    """From now on, packets to 127.0.0.1 leave ``who``'s machine on the wire."""
    who.run("ip", "address", "delete", "127.0.0.1/8", "dev", "lo")
    who.run("ip", "route", "add", "127.0.0.1/32", "via", gateway)
    assert f"via {gateway}" in who.run("ip", "route", "get", "127.0.0.1")


def test_port_on_one_address_is_not_on_others(host: Any, serve: Any, reach: Any) -> None:
    one, two = host.neighbour(), host.neighbour("uplink1", "203.0.113.1", "203.0.113.2")
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    publish(networks, guest, PortBinding(80, 8080, "tcp", HOST))
    service = serve(guest.call, 80)
    assert reach(one.call, HOST, 8080, service) == NEIGHBOUR
    assert reach(two.call, "203.0.113.1", 8080, service) == ""
    assert reach(here, "127.0.0.1", 8080, service) == ""


def test_unpublished_port_is_shut_and_free(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest, other = host.guest(networks, bridge), host.guest(networks, bridge)
    publish(networks, guest, PortBinding(80, 8080), PortBinding(81, 8081))
    publish(networks, other, PortBinding(80, 8082))
    networks.unpublish(guest.id)
    assert reach(neighbour.call, HOST, 8080, serve(guest.call, 80)) == ""
    assert reach(neighbour.call, HOST, 8082, serve(other.call, 80)) == NEIGHBOUR
    assert read_sysctl(f"net/ipv4/conf/{bridge.bridge}/route_localnet") == "1"
    networks.unpublish(other.id)
    assert read_sysctl(f"net/ipv4/conf/{bridge.bridge}/route_localnet") == "0"
    networks.unpublish(other.id)
    assert publish(networks, other, PortBinding(80, 8080))[0].host_port == 8080


def test_free_port_is_chosen_and_reached(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    bindings = publish(networks, guest, PortBinding(80), PortBinding(80), PortBinding(80, 0, "udp"))
    assert len({binding.host_port for binding in bindings[:2]}) == 2
    for binding in bindings:
        service = serve(guest.call, 80, binding.protocol)
        assert reach(here, "127.0.0.1", binding.host_port, service) != ""
        service.socket.close()


def test_port_of_a_program_is_refused_by_its_name(host: Any, serve: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    for protocol in PROTOCOLS:
        serve(here, 8080, protocol, "127.0.0.1")
        with pytest.raises(Conflict, match=rf"port 8080/{protocol} is taken by .* \(pid {os.getpid()}\)"):
            publish(networks, guest, PortBinding(80, 8081, protocol), PortBinding(80, 8080, protocol))
        assert publish(networks, guest, PortBinding(80, 8081, protocol))  # the failure left nothing
        networks.unpublish(guest.id)


def test_port_of_another_guest_is_refused_by_its_id(host: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest, other = host.guest(networks, bridge), host.guest(networks, bridge)
    publish(networks, guest, PortBinding(80, 8080))
    for address in ("", "0.0.0.0", "127.0.0.1"):
        with pytest.raises(Conflict, match=f"8080/tcp is taken by the guest {guest.id[:12]}"):
            publish(networks, other, PortBinding(80, 8080, host_ip=address))
    publish(networks, other, PortBinding(80, 8080, "udp"))


def test_port_that_is_given_twice_is_nobodys_fault_but_the_callers(host: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    with pytest.raises(InvalidInput, match="the port 8080/tcp is given twice"):
        publish(networks, guest, PortBinding(80, 8080), PortBinding(80, 8080))
    with pytest.raises(InvalidInput, match=r"the port 127\.0\.0\.1:8080/tcp is given twice"):
        publish(networks, guest, PortBinding(80, 8080), PortBinding(81, 8080, host_ip="127.0.0.1"))
    publish(networks, guest, PortBinding(80, 8080), PortBinding(80, 8080, "udp"), PortBinding(80, 8081))


def test_port_of_another_instance_is_refused_even_without_its_daemon(host: Any) -> None:
    first, second = host.instance(), host.instance("ab12cd")
    guest = host.guest(first, first.builtins()[0])
    other = host.guest(second, second.builtins()[0])
    publish(first, guest, PortBinding(80, 8080))
    first._publisher.release_all()  # what the end of a daemon's process does
    with pytest.raises(Conflict, match=f"taken by the guest {guest.id[:12]}"):
        publish(second, other, PortBinding(80, 8080))


def test_published_port_cannot_be_bound_by_programs_of_the_host(host: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    publish(networks, guest, PortBinding(80, 8080))
    for reuse in (0, 1):
        with socket.socket() as program, pytest.raises(OSError, match="in use"):
            program.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
            program.bind(("", 8080))


def test_port_is_free_beside_connections_that_just_ended(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    service = serve(here, 8080)
    assert reach(here, "127.0.0.1", 8080, service) == "127.0.0.1"
    service.socket.close()  # the server closed first: TIME_WAIT is on its side
    assert publish(networks, guest, PortBinding(80, 8080))


def test_ports_that_cannot_be_are_refused(host: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks, networks.builtins()[0])
    internal = host.guest(networks, host.network(networks, "internal", internal=True))
    for binding, words in (
        (PortBinding(80, 8080, host_ip="::1"), "IPv4"),
        (PortBinding(80, 8080, host_ip="nonsense"), "nonsense"),
        (PortBinding(80, 8080, host_ip="192.0.2.99"), "no address of this host"),
        (PortBinding(80, 8080, "sctp"), "sctp"),
        (PortBinding(0, 8080), "no ports"),
        (PortBinding(80, 65536), "no ports"),
    ):
        with pytest.raises(InvalidInput) as caught:
            publish(networks, guest, binding)
        assert words in f"{caught.value} {caught.value.hint}"
    with pytest.raises(InvalidInput, match="internal"):
        publish(networks, internal, PortBinding(80, 8080))


def test_guest_on_internal_network_too_publishes_on_the_other(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    guest = host.guest(networks, host.network(networks, "internal", internal=True), networks.builtins()[0])
    guest.run("ip", "route", "replace", "default", "via", guest.endpoints[1].gateway)
    publish(networks, guest, PortBinding(80, 8080))
    assert reach(neighbour.call, HOST, 8080, serve(guest.call, 80)) == NEIGHBOUR


def test_internal_guest_does_not_reach_published_ports(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "internal", internal=True)
    guest, internal = host.guest(networks, networks.builtins()[0]), host.guest(networks, network)
    publish(networks, guest, PortBinding(80, 8080))
    assert reach(internal.call, network.gateway, 8080, serve(guest.call, 80)) == ""


def test_udp_callers_reach_the_next_guest_at_once(host: Any, serve: Any, reach: Any) -> None:
    """A caller that keeps its own port is not sent on to where the port led before, or to nowhere."""
    neighbour = host.neighbour()
    networks = host.instance()
    bridge = networks.builtins()[0]
    one, two = host.guest(networks, bridge), host.guest(networks, bridge)
    at_one, at_two = serve(one.call, 53, "udp"), serve(two.call, 53, "udp")
    assert reach(neighbour.call, HOST, 5353, at_one, source_port=4444) == ""
    publish(networks, one, PortBinding(53, 5353, "udp"))
    assert reach(neighbour.call, HOST, 5353, at_one, source_port=4444) == NEIGHBOUR
    networks.unpublish(one.id)
    publish(networks, two, PortBinding(53, 5353, "udp"))
    assert reach(neighbour.call, HOST, 5353, at_two, source_port=4444) == NEIGHBOUR


def test_ports_and_walls_come_back_after_somebody_flushed_the_rules(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest = host.guest(networks, bridge)
    publish(networks, guest, PortBinding(80, 8080))
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    service = serve(guest.call, 80)
    assert reach(neighbour.call, HOST, 8080, service) == ""
    networks.ensure(bridge)
    assert reach(neighbour.call, HOST, 8080, service) == NEIGHBOUR
    assert reach(neighbour.call, guest.ip, 80, service) == ""
    subprocess.run(["nft", "flush", "ruleset"], check=True)
    networks.unpublish(guest.id)
    publish(networks, guest, PortBinding(80, 8081))
    assert reach(neighbour.call, HOST, 8081, service) == NEIGHBOUR


def test_many_guests_publish_at_once(host: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    guests = [host.guest(networks, bridge) for _ in range(8)]
    taken: list[str] = []
    refused: list[str] = []

    def start(guest: Any) -> None:
        try:
            publish(networks, guest, PortBinding(80), PortBinding(81, 8080))
            taken.append(guest.id)
        except Conflict:
            refused.append(guest.id)

    threads = [threading.Thread(target=start, args=(guest,)) for guest in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (1, 7)
