"""Names of guests: dnsmasq on each network of the user's own."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wirt.errors import Conflict

pytestmark = pytest.mark.root

HOST = "198.51.100.1"
NEIGHBOUR = "198.51.100.2"
A, AAAA = 1, 28
NXDOMAIN = "nxdomain"


def here(function: Callable[[], Any]) -> Any:
    return function()


def ask(call: Callable[..., Any], server: str, name: str, kind: int = A) -> list[str] | str:
    """What a name server answers (RFC 1035): addresses, ``NXDOMAIN``, or "silence"."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)
    asker = call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with asker:
        asker.settimeout(0.5)
        try:
            asker.connect((server, 53))
            asker.send(query)
            answer = asker.recv(512)
        except OSError:
            return "silence"
    if answer[3] & 15 == 3:
        return NXDOMAIN
    assert answer[3] & 15 == 0
    count = struct.unpack_from(">H", answer, 6)[0]
    records = [answer[len(query) + 16 * i :][:16] for i in range(count)]  # a pointer, type, class, ttl, length, address
    return sorted(socket.inet_ntoa(record[12:16]) for record in records)


def await_answer(expected: list[str] | str, call: Callable[..., Any], server: str, name: str) -> None:
    """The server reads its names again in its own time."""
    deadline = time.monotonic() + 5
    while ask(call, server, name) != expected:
        assert time.monotonic() < deadline, f"{name} is not {expected}"


def server_pid(host: Any, network: Any) -> int:
    (pid_file,) = host.shared.glob(f"*/dns/{network.id[:12]}/pid")
    return int(pid_file.read_text())


def kill(pid: int) -> None:
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        assert select.select([fd], [], [], 5)[0]
    finally:
        os.close(fd)


@contextlib.contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, however that ends."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def upstream(host: Any, tmp_path: Path) -> Iterator[Any]:
    """The neighbour as the host's resolver: it knows far.example, and counts what it is asked."""
    neighbour = host.neighbour()
    log = tmp_path / "log"
    command = ["dnsmasq", "-C", "/dev/null", "-k", "--no-resolv", "--no-hosts", "--bind-interfaces", "--user=root"]
    command += [f"--listen-address={NEIGHBOUR}", "--address=/far.example/203.0.113.9", "--pid-file="]
    command += ["--log-queries", f"--log-facility={log}"]
    server = neighbour.call(lambda: subprocess.Popen(command, stderr=subprocess.DEVNULL))
    try:
        await_answer(["203.0.113.9"], neighbour.call, NEIGHBOUR, "far.example")
        neighbour.log = log
        yield neighbour
    finally:
        server.kill()
        server.wait()


def test_names_of_guests_are_resolved_and_follow_changes(host: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    guest = host.guest(networks, network)
    networks.set_names(network, {"web": ["10.0.0.1", "10.0.0.2"], "db.local": ["10.0.0.3"]})
    assert ask(guest.call, network.gateway, "web") == ["10.0.0.1", "10.0.0.2"]
    assert ask(guest.call, network.gateway, "WEB") == ["10.0.0.1", "10.0.0.2"]
    assert ask(guest.call, network.gateway, "db.local") == ["10.0.0.3"]
    assert ask(guest.call, network.gateway, "web", AAAA) == []
    assert ask(guest.call, network.gateway, "nobody") == NXDOMAIN
    pid = server_pid(host, network)
    networks.set_names(network, {"web": ["10.0.0.9"]})
    await_answer(["10.0.0.9"], guest.call, network.gateway, "web")
    await_answer(NXDOMAIN, guest.call, network.gateway, "nobody")
    assert server_pid(host, network) == pid


def test_names_elsewhere_are_asked_for_at_the_hosts_resolvers(host: Any, upstream: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    guest = host.guest(networks, network)
    networks.set_names(network, {"web": ["10.0.0.1"]})
    assert ask(guest.call, network.gateway, "far.example") == ["203.0.113.9"]
    assert ask(guest.call, network.gateway, "nobody") == NXDOMAIN
    assert "nobody" not in upstream.log.read_text()


def test_internal_network_asks_nobody(host: Any, upstream: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "inside", internal=True)
    guest = host.guest(networks, network)
    networks.set_names(network, {"web": ["10.0.0.1"]})
    assert ask(guest.call, network.gateway, "web") == ["10.0.0.1"]
    assert ask(guest.call, network.gateway, "secret.far.example") == NXDOMAIN
    assert "secret" not in upstream.log.read_text()


def test_names_are_answered_to_guests_of_the_network_only(host: Any) -> None:
    neighbour = host.neighbour()
    networks = host.instance()
    network = host.network(networks, "mine")
    stranger = host.guest(networks, host.network(networks, "other"))
    host.guest(networks, network)
    networks.set_names(network, {"web": ["10.0.0.1"]})
    assert ask(here, network.gateway, "web") == ["10.0.0.1"]
    assert ask(stranger.call, network.gateway, "web") == "silence"
    assert ask(neighbour.call, network.gateway, "web") == "silence"
    assert ask(neighbour.call, HOST, "web") == "silence"


def test_next_daemon_adopts_the_name_server(host: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    host.guest(networks, network)
    networks.set_names(network, {"web": ["10.0.0.1"]})
    pid = server_pid(host, network)
    successor = host.instance()
    successor.set_names(network, {"web": ["10.0.0.2"]})
    assert server_pid(host, network) == pid
    await_answer(["10.0.0.2"], here, network.gateway, "web")


def test_name_server_that_died_is_started_again(host: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    host.guest(networks, network)
    names = {"web": ["10.0.0.1"]}
    networks.set_names(network, names)
    kill(server_pid(host, network))
    networks.set_names(network, names)
    assert ask(here, network.gateway, "web") == ["10.0.0.1"]


def test_process_that_merely_has_the_number_is_left_alone(host: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    host.guest(networks, network)
    networks.set_names(network, {"web": ["10.0.0.1"]})
    kill(server_pid(host, network))
    with running("tail", "-f", "/dev/null") as bystander:
        (pid_file,) = host.shared.glob(f"*/dns/{network.id[:12]}/pid")
        pid_file.write_text(str(bystander.pid))
        networks.set_names(network, {})
        assert bystander.poll() is None


def test_name_server_ends_with_its_last_name_and_with_its_network(host: Any) -> None:
    networks = host.instance()
    first, second = host.network(networks, "first"), host.network(networks, "second")
    for network in (first, second):
        networks.ensure(network)
        networks.set_names(network, {"web": ["10.0.0.1"]})
    networks.set_names(first, {})
    assert ask(here, first.gateway, "web") == "silence"
    networks.remove(second)
    assert "dnsmasq" not in host.leftovers()


def test_default_network_resolves_no_names_of_guests(host: Any) -> None:
    networks = host.instance()
    bridge = networks.builtins()[0]
    networks.ensure(bridge)
    networks.set_names(bridge, {"web": ["10.0.0.1"]})
    assert ask(here, bridge.gateway, "web") == "silence"


def test_default_network_passes_on_to_resolvers_on_the_hosts_loopback(host: Any) -> None:
    host.resolv.write_text("nameserver 127.0.0.1\n")
    networks = host.instance()
    bridge = networks.builtins()[0]
    command = ["dnsmasq", "-C", "/dev/null", "-k", "--no-resolv", "--no-hosts", "--bind-interfaces", "--pid-file="]
    command += ["--user=root", "--listen-address=127.0.0.1", "--address=/far.example/203.0.113.9"]
    with running(*command):
        await_answer(["203.0.113.9"], here, "127.0.0.1", "far.example")
        guest = host.guest(networks, bridge)
        assert ask(guest.call, bridge.gateway, "far.example") == ["203.0.113.9"]


def test_name_server_on_every_address_is_a_conflict(host: Any, serve: Any) -> None:
    networks = host.instance()
    network = host.network(networks, "mine")
    host.guest(networks, network)
    serve(here, 53)
    with pytest.raises(Conflict, match="port 53"):
        networks.set_names(network, {"web": ["10.0.0.1"]})
