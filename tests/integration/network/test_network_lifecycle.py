"""Networks come and go: choices, crashes, restarts, and nothing left behind."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wirt.errors import Conflict, InvalidInput, NotFound, Unavailable
from wirt.host import links, netns
from wirt.model.finding import Level
from wirt.model.guest import Endpoint, PortBinding
from wirt.model.network import NetworkSpec
from wirt.network.networks import Networks
from wirt.network.probe import probe

pytestmark = pytest.mark.root

HOST = "198.51.100.1"
NEIGHBOUR = "198.51.100.2"


def here(function: Callable[[], Any]) -> Any:
    return function()


def interfaces() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def test_builtin_networks_are_the_same_each_time(host: Any) -> None:
    bridge, on_host, none = host.instance().builtins()
    assert [(n.name, n.driver, n.builtin) for n in (bridge, on_host, none)] == [
        ("bridge", "bridge", True),
        ("host", "host", True),
        ("none", "null", True),
    ]
    assert bridge.bridge == "wirt0"
    assert ipaddress.ip_network(bridge.subnet).prefixlen == 22
    again = host.instance().builtins()
    assert [(n.id, n.subnet) for n in again] == [(n.id, n.subnet) for n in (bridge, on_host, none)]
    assert host.instance("ab12cd").builtins()[0].subnet != bridge.subnet


def test_subnet_is_chosen_beside_the_hosts_routes(host: Any) -> None:
    subprocess.run(["ip", "link", "add", "foreign0", "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", "10.213.0.1/24", "dev", "foreign0"], check=True)
    subprocess.run(["ip", "link", "set", "foreign0", "up"], check=True)
    subprocess.run(["ip", "route", "add", "10.213.1.0/24", "dev", "foreign0"], check=True)
    networks = host.instance()
    assert host.network(networks, "mine").subnet == "10.213.2.0/24"
    with pytest.raises(Conflict, match=r"overlaps 10\.213\.0\.0/24 of an interface of this host"):
        host.network(networks, "yours", subnet="10.213.0.128/25")
    with pytest.raises(Conflict, match=r"10\.213\.2\.0/24"):
        host.network(host.instance("ab12cd"), "theirs", subnet="10.213.0.0/16")


def test_pools_run_out_with_a_clear_word(host: Any) -> None:
    networks = Networks("", host.folder, pools=("10.77.0.0/23",), shared=host.shared)
    rows = [networks.create(NetworkSpec(f"n{i}"), ()) for i in range(2)]
    assert [row.subnet for row in rows] == ["10.77.0.0/24", "10.77.1.0/24"]
    with pytest.raises(Unavailable, match="every subnet"):
        networks.create(NetworkSpec("n3"), rows)
    networks.remove(rows[0])
    assert networks.create(NetworkSpec("n3"), rows[1:]).subnet == "10.77.0.0/24"
    networks.teardown()


def test_daemons_that_choose_at_once_choose_differently(host: Any) -> None:
    instances = [host.instance(f"tag{i}") for i in range(6)]
    rows: list[Any] = []
    threads = [threading.Thread(target=lambda n=n: rows.append(n.create(NetworkSpec("mine"), ()))) for n in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({row.subnet for row in rows}) == len({row.bridge for row in rows}) == 6


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (NetworkSpec("bridge"), InvalidInput),
        (NetworkSpec("a b"), InvalidInput),
        (NetworkSpec(""), InvalidInput),
        (NetworkSpec("x", driver="overlay"), InvalidInput),
        (NetworkSpec("x", options={"colour": "red"}), InvalidInput),
        (NetworkSpec("x", options={"mtu": "tall"}), InvalidInput),
        (NetworkSpec("x", subnet="fd00::/64"), InvalidInput),
        (NetworkSpec("x", gateway="10.0.0.1"), InvalidInput),
        (NetworkSpec("taken"), Conflict),
    ],
)
def test_network_that_cannot_be_is_refused(host: Any, spec: NetworkSpec, error: type[Exception]) -> None:
    networks = host.instance()
    existing = host.network(networks, "taken")
    with pytest.raises(error):
        networks.create(spec, [existing])


def test_network_with_everything_given(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    spec = NetworkSpec("mine", "bridge", "10.9.0.0/16", "10.9.255.254", "10.9.7.0/29", options={"mtu": "1400"})
    network = networks.create(spec, ())
    guest = host.guest(networks, network)
    assert (guest.ip, guest.endpoints[0].ip_prefix_len) == ("10.9.7.0", 16)  # a host's address in a /16
    assert "mtu 1400" in guest.run("ip", "link", "show", "eth0")
    assert reach(guest.call, NEIGHBOUR, 80, serve(neighbour.call, 80)) == HOST


def test_address_and_mac_as_asked_for(host: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    address = str(ipaddress.ip_network(bridge.subnet)[77])
    one, two = host.guest(networks), host.guest(networks)
    place = networks.attach(bridge, one.id, one.netns, used=(), ip=address, mac="0A:57:00:00:00:42", aliases=("web",))
    assert (place.ip_address, place.mac_address, place.aliases) == (address, "0a:57:00:00:00:42", ("web",))
    assert "0a:57:00:00:00:42" in one.run("ip", "link", "show", "eth0")
    with pytest.raises(Conflict, match="in use"):
        networks.attach(bridge, two.id, two.netns, used=(), ip=address)
    with pytest.raises(Conflict, match="interface eth0 already"):
        networks.attach(bridge, one.id, one.netns, used=())
    networks.detach(place)
    networks.detach(place)
    networks.detach(Endpoint(bridge.name, bridge.id))  # of a guest that never ran
    assert networks.attach(bridge, two.id, two.netns, used=(), ip=address).ip_address == address


def test_failed_attach_leaves_nothing(host: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    networks.ensure(bridge)
    before = interfaces()
    with pytest.raises(NotFound, match="namespace"):
        networks.attach(bridge, secrets.token_hex(32), str(host.folder / "nowhere"), used=())
    first = str(ipaddress.ip_network(bridge.subnet)[2])
    guest = host.guest(networks)
    guest.run("ip", "link", "add", "eth0", "type", "bridge")
    with pytest.raises(Conflict):
        networks.attach(bridge, guest.id, guest.netns, used=(), ip=first)
    assert interfaces() == before
    guest.run("ip", "link", "delete", "eth0")
    assert networks.attach(bridge, guest.id, guest.netns, used=(), ip=first).ip_address == first


def test_guest_restarts_at_once_under_the_same_id(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    guest = host.guest(networks, bridge)
    address = guest.ip
    for _ in range(5):
        networks.remove_netns(guest.netns, guest.endpoints)
        guest.netns = networks.make_netns(guest.id)
        guest.endpoints = [networks.attach(bridge, guest.id, guest.netns, used=(), ip=address)]
    assert reach(here, address, 80, serve(guest.call, 80)) == bridge.gateway


def test_many_guests_attach_at_once(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    guests: list[Any] = []
    threads = [threading.Thread(target=lambda: guests.append(host.guest(networks, bridge))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({guest.ip for guest in guests}) == 16
    assert reach(guests[0].call, guests[15].ip, 80, serve(guests[15].call, 80)) == guests[0].ip


def test_bridge_that_somebody_removed_is_made_again(host: Any, serve: Any, reach: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    host.guest(networks, bridge)
    with links.open_route() as netlink:
        netlink.request(links.delete_link(bridge.bridge))
    guest = host.guest(networks, bridge)
    assert reach(guest.call, bridge.gateway, 80, serve(here, 80)) == guest.ip


def test_interface_of_the_bridges_name_is_not_taken_over(host: Any) -> None:
    subprocess.run(["ip", "link", "add", "wirt0", "type", "veth", "peer", "name", "foreign0"], check=True)
    networks = host.instance()
    with pytest.raises(Conflict, match="wirt0 is there and is no bridge"):
        networks.ensure(networks.builtins()[0])
    networks.teardown()
    assert "wirt0" in interfaces()
    subprocess.run(["ip", "link", "delete", "wirt0"], check=True)


def test_network_with_guests_is_not_removed(host: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    guest = host.guest(networks, network)
    with pytest.raises(Conflict, match="guests are on the network mine"):
        networks.remove(network)
    networks.detach(guest.endpoints[0])
    networks.remove(network)
    networks.remove(network)
    assert network.bridge not in interfaces()


def test_sweep_keeps_the_living_and_clears_the_rest(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge, gone = networks.builtins()[0], host.network(networks, "gone")
    mine = host.network(networks, "mine")
    living, dead = host.guest(networks, bridge, mine), host.guest(networks, bridge)
    networks.ensure(gone)
    for network in (mine, gone):
        networks.set_names(network, {"web": ["10.0.0.1"]})
    networks.publish(living.id, living.endpoints, [PortBinding(80, 8080)])
    networks.publish(dead.id, dead.endpoints, [PortBinding(80, 8081)])
    networks._publisher.release_all()  # the daemon's end

    successor = host.instance()
    successor.sweep({living.id}, [bridge, mine])
    assert gone.bridge not in interfaces()
    assert not Path(dead.netns).exists()
    assert dead.endpoints[0].host_interface not in interfaces()
    assert len(list(host.shared.glob("*/dns/*"))) == 1
    service = serve(living.call, 80)
    assert reach(neighbour.call, HOST, 8080, service) == NEIGHBOUR
    assert reach(here, "127.0.0.1", 8081, service) == ""
    with socket.socket() as program, pytest.raises(OSError, match="in use"):
        program.bind(("", 8080))
    other = host.guest(successor, bridge)
    assert successor.publish(other.id, other.endpoints, [PortBinding(80, 8081)])[0].host_port == 8081
    successor.unpublish(living.id)
    assert reach(neighbour.call, HOST, 8080, service) == ""


def test_sweep_mends_a_network_half_made(host: Any, serve: Any, reach: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    bridge = networks.builtins()[0]
    with links.open_route() as netlink:  # all that was done when the daemon was killed
        netlink.request(links.add_bridge(bridge.bridge, mac="0a:57:00:00:00:01"))
    successor = host.instance()
    successor.sweep((), [bridge])
    guest = host.guest(successor, bridge)
    assert reach(guest.call, NEIGHBOUR, 80, serve(neighbour.call, 80)) == HOST


def test_subnet_that_was_taken_meanwhile_is_a_conflict(host: Any) -> None:
    networks, other = host.instance(), host.instance("ab12cd")
    network = host.network(networks, "mine")
    networks.teardown()  # a daemon without guests leaves the host as it was
    other.ensure(host.network(other, "theirs", subnet=network.subnet))
    with pytest.raises(Conflict, match=r"overlaps .* of the wirt instance ab12cd"):
        networks.ensure(network)


def test_sweep_on_a_fresh_host_does_nothing_but_reserve(host: Any) -> None:
    row = host.instance().builtins()[0]
    (host.shared / "default" / "holdings.json").unlink()  # a reboot
    host.instance().sweep((), [row])
    assert interfaces() == {"lo"}
    assert host.instance("ab12cd").builtins()[0].subnet != row.subnet


def test_guest_without_ports_starts_no_process(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    networks.ensure(bridge)
    with monkeypatch.context() as nothing_to_run:
        nothing_to_run.setenv("PATH", "/nonexistent")
        guest = host.guest(networks, bridge)
        with pytest.raises(Unavailable, match="nft is not installed"):
            networks.publish(guest.id, guest.endpoints, [PortBinding(80, 8080)])
        networks.unpublish(guest.id)
        networks.detach(guest.endpoints[0])
        networks.remove_netns(guest.netns)
    other = host.guest(networks, bridge)
    assert networks.publish(other.id, other.endpoints, [PortBinding(80, 8080)])


def test_doctor_finds_a_working_host(host: Any) -> None:
    findings = {finding.subject: finding for finding in probe(host.shared)}
    assert findings["network rules"].level is Level.OK
    assert findings["bridges"].level is Level.OK
    assert findings["forwarding"].level is Level.OK
    assert findings["names of guests"].level is Level.OK
    assert not any(finding.subject.startswith("firewall") for finding in findings.values())


def test_doctor_tells_of_forwarding_by_wirt_and_of_foreign_firewalls(host: Any) -> None:
    host.neighbour()
    networks = host.instance()
    networks.ensure(networks.builtins()[0])
    foreign = "table ip foreign {\nchain fw {\ntype filter hook forward priority 0; policy drop\n}\n}\n"
    subprocess.run(["nft", "-f", "-"], input=foreign, text=True, check=True)
    findings = {finding.subject: finding for finding in probe(host.shared)}
    subprocess.run(["nft", "delete", "table", "ip", "foreign"], check=True)
    assert findings["forwarding"].level is Level.NOTE
    assert "uplink0" in findings["forwarding"].meaning
    assert findings["firewall (forward)"].level is Level.WARN
    assert "fw" in findings["firewall (forward)"].remedy


def test_doctor_says_what_is_missing(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    findings = {finding.subject: finding for finding in probe(host.shared)}
    monkeypatch.undo()
    assert findings["network rules"].level is Level.FAIL
    assert findings["network rules"].remedy == "apt-get install nftables"
    assert findings["names of guests"].remedy == "apt-get install dnsmasq-base"


def test_namespace_left_by_a_crash_is_replaced(host: Any) -> None:
    networks = host.instance()
    guest = host.guest(networks)
    guest.run("ip", "link", "add", "old", "type", "bridge")
    path = networks.make_netns(guest.id)
    assert netns.call_in(path, interfaces) == {"lo"}
