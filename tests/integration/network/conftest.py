"""A small world for network tests: a *host* of its own, with a neighbour on its LAN, in namespaces of this test's.

The test's thread moves into a fresh network namespace that plays the host: what wirt does there (bridges, nft tables,
dnsmasq, ip_forward) is real and touches nothing of the machine's. When the test ends, everything must be gone.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from wirt.abi.linux.sched import CLONE_NEWNET
from wirt.host import netns
from wirt.host.namespaces import setns, unshare
from wirt.host.sysctl import write_sysctl
from wirt.model.guest import Endpoint
from wirt.model.network import Network, NetworkSpec
from wirt.network.networks import Networks

T = TypeVar("T")

HOST = "198.51.100.1"
NEIGHBOUR = "198.51.100.2"
GIVE_UP = 0.5  # seconds after which a connection that is dropped counts as impossible


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@dataclass
class Guest:
    id: str
    netns: str
    endpoints: list[Endpoint] = field(default_factory=list)

    @property
    def ip(self) -> str:
        return self.endpoints[0].ip_address

    def call(self, function: Callable[[], T]) -> T:
        return netns.call_in(self.netns, function)

    def run(self, *command: str) -> str:
        return self.call(lambda: run(*command))


@dataclass
class Neighbour:
    netns: str

    def call(self, function: Callable[[], T]) -> T:
        return netns.call_in(self.netns, function)

    def run(self, *command: str) -> str:
        return self.call(lambda: run(*command))


class Host:
    """The host of one test, in whose namespace the test's thread is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shared = folder / "shared"
        self.resolv = folder / "resolv.conf"
        self.resolv.write_text(f"nameserver {NEIGHBOUR}\n")
        self.netns = str(folder / "host-netns")
        self._instances: list[Networks] = []
        self._namespaces: list[str] = []

    def instance(self, tag: str = "") -> Networks:
        """A daemon's networks; a second one of the same tag is the next daemon after a crash."""
        networks = Networks(tag, self.folder / f"run-{tag}", shared=self.shared, host_resolv=self.resolv)
        self._instances.append(networks)
        return networks

    def network(self, networks: Networks, name: str, *, internal: bool = False, subnet: str = "") -> Network:
        return networks.create(NetworkSpec(name, internal=internal, subnet=subnet), ())

    def guest(self, networks: Networks, *on: Network) -> Guest:
        guest_id = secrets.token_hex(32)
        guest = Guest(guest_id, networks.make_netns(guest_id))
        for number, network in enumerate(on):
            guest.endpoints.append(
                networks.attach(
                    network, guest_id, guest.netns, used=(), interface=f"eth{number}", default_route=number == 0
                )
            )
        return guest

    def neighbour(self, interface: str = "uplink0", host: str = HOST, own: str = NEIGHBOUR) -> Neighbour:
        """Another machine, on a wire to the host's ``interface``. Its default route is the host."""
        path = str(self.folder / f"neighbour-{interface}")
        netns.create(path, lambda: run("ip", "link", "set", "lo", "up") and None)
        self._namespaces.append(path)
        run("ip", "link", "add", interface, "type", "veth", "peer", "name", f"lan-{interface}")
        run("ip", "link", "set", f"lan-{interface}", "netns", path)
        run("ip", "address", "add", f"{host}/24", "dev", interface)
        run("ip", "link", "set", interface, "up")
        neighbour = Neighbour(path)
        neighbour.run("ip", "address", "add", f"{own}/24", "dev", f"lan-{interface}")
        neighbour.run("ip", "link", "set", f"lan-{interface}", "up")
        neighbour.run("ip", "route", "add", "default", "via", host)
        deadline = time.monotonic() + 5
        while "state UP" not in run("ip", "link", "show", interface):
            assert time.monotonic() < deadline, f"{interface} does not come up"
        return neighbour

    def end(self) -> None:
        for networks in self._instances:
            networks.teardown()
        for path in self._namespaces:
            netns.remove(path)

    def leftovers(self) -> dict[str, object]:
        """What is there that should not be, once everything has ended."""
        links = {name for _, name in socket.if_nameindex()} - {"lo"}
        found = {
            "links": {name for name in links if not name.startswith(("uplink", "foreign"))},
            "tables": run("nft", "list", "tables").split(),
            "dnsmasq": [pid for pid, line in command_lines().items() if str(self.shared) in line],
            "mounts": [
                line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(self.folder) in line
            ],
            "files": [str(file) for file in self.shared.rglob("*") if file.name != "lock"],
        }
        return {what: left for what, left in found.items() if left}


def await_nothing_left(world: Host) -> None:
    """The kernel takes links of ended namespaces away in its own time."""
    deadline = time.monotonic() + 5
    while left := world.leftovers():
        assert time.monotonic() < deadline, left


def command_lines() -> Mapping[str, str]:
    """Every process's command line; the dead that nobody waited for have none."""
    found = {}
    for pid in (entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
    return found


@pytest.fixture
def host() -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces")
    for tool in ("nft", "dnsmasq", "ip"):
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}")
    folder = Path(tempfile.mkdtemp(prefix="wirt-test-", dir="/run"))
    folder.chmod(0o755)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    unshare(CLONE_NEWNET)
    try:
        run("ip", "link", "set", "lo", "up")
        write_sysctl("net/ipv4/ip_forward", "0")  # inherited from the machine
        world = Host(folder)
        try:
            yield world
        finally:
            world.end()
        await_nothing_left(world)
    finally:
        setns(outside, CLONE_NEWNET)
        os.close(outside)
        shutil.rmtree(folder)


@dataclass
class Service:
    """A TCP or UDP server's socket; whoever made it may be in another namespace by now."""

    socket: socket.socket
    protocol: str

    def answer(self) -> str:
        """Answer the one who called, and say under which address."""
        if self.protocol == "tcp":
            connection, peer = self.socket.accept()
            with connection:
                connection.sendall(b"hello")
        else:
            _, peer = self.socket.recvfrom(100)
            self.socket.sendto(b"hello", peer)
        return str(peer[0])


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    """``serve(where.call, port, protocol="tcp", address="0.0.0.0")``: a server in a guest, a neighbour, the host."""
    made: list[socket.socket] = []

    def start(call: Callable[..., object], port: int, protocol: str = "tcp", address: str = "0.0.0.0") -> Service:
        def listen() -> socket.socket:
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            server = socket.socket(socket.AF_INET, kind)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(protocol == "tcp"))
            server.bind((address, port))
            server.settimeout(5)
            if protocol == "tcp":
                server.listen()
            return server

        server = call(listen)
        assert isinstance(server, socket.socket)
        made.append(server)
        return Service(server, protocol)

    yield start
    for server in made:
        server.close()


@pytest.fixture
def reach() -> Callable[..., str]:
    """``reach(call, address, port, service)``: the address under which a caller arrives at the service.

    "" when it does not: refused, unreachable, or no answer in ``GIVE_UP`` seconds.
    """

    def attempt(
        call: Callable[..., object],
        address: str,
        port: int,
        service: Service,
        *,
        source: str = "",
        source_port: int = 0,
    ) -> str:
        kind = socket.SOCK_STREAM if service.protocol == "tcp" else socket.SOCK_DGRAM

        def dial() -> socket.socket:
            caller = socket.socket(socket.AF_INET, kind)
            caller.settimeout(GIVE_UP)
            caller.bind((source, source_port))
            try:
                caller.connect((address, port))
                if kind == socket.SOCK_DGRAM:
                    caller.send(b"hello?")
            except OSError:
                caller.close()
                raise
            return caller

        try:
            caller = call(dial)
        except OSError:
            return ""
        assert isinstance(caller, socket.socket)
        with caller:
            service.socket.settimeout(GIVE_UP if kind == socket.SOCK_DGRAM else 5)
            try:
                peer = service.answer()
            except TimeoutError:
                return ""
            assert caller.recv(100) == b"hello"
        return peer

    return attempt
