"""A guest's ``/etc/resolv.conf`` and ``/etc/hosts`` (resolv.conf(5), hosts(5))."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wirt.errors import InvalidInput
from wirt.model.network import Network

__all__ = [
    "HOST_FILE",
    "Resolvers",
    "has_name_server",
    "hosts_file",
    "names_file",
    "read_resolvers",
    "resolv_conf",
]

HOST_FILE = Path("/etc/resolv.conf")
# Where systemd-resolved, itself on 127.0.0.53, lists the servers it asks (systemd-resolved.service(8)).
_UPLINKS = Path("/run/systemd/resolve/resolv.conf")
HOST_GATEWAY = "host-gateway"


@dataclass(frozen=True, slots=True)
class Resolvers:
    """What a resolv.conf says."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def reachable(self) -> tuple[str, ...]:
        """The servers a guest can ask: IPv4, and none on a loopback address, which is another one's inside a guest."""
        return tuple(server for server in self.servers if ":" not in server and not server.startswith("127."))


def read_resolvers(file: Path = HOST_FILE, uplinks: Path = _UPLINKS) -> Resolvers:
    """The host's resolvers; behind systemd-resolved's stub those it asks itself."""
    found = _parse(file)
    if not found.reachable and uplinks.exists():
        return Resolvers(_parse(uplinks).servers, found.search, found.options)
    return found


def has_name_server(network: Network, host: Resolvers) -> bool:
    """Whether wirt answers names on ``network``: for guests' names, or where the host's resolvers are out of reach."""
    return network.driver == "bridge" and (network.dns or not (host.reachable or network.internal))


def resolv_conf(
    networks: Sequence[Network],
    dns: Sequence[str] = (),
    search: Sequence[str] = (),
    options: Sequence[str] = (),
    *,
    host: Resolvers | None = None,
) -> str:
    """The text for a guest on ``networks``, first one first.

    ``dns`` given: the guest asks these servers only, and guests' names are not resolved. Otherwise it asks the name
    servers of its networks, or the host's. ``search`` "." alone: none. A guest on the network ``host`` gets the host's.
    """
    _check_servers(dns)
    host = host or read_resolvers()
    if any(network.driver == "host" for network in networks):
        servers = tuple(dns) or _parse(HOST_FILE).servers
    else:
        ours = tuple(network.gateway for network in networks if has_name_server(network, host))
        servers = tuple(dns) or ours or host.reachable
        if ours and not dns and not any(option.startswith("ndots") for option in options):
            # A guest's name has no dot: asked as it stands first, it does not go out with the search domains.
            options = (*options, "ndots:0")
    domains = [] if tuple(search) == (".",) else list(search or host.search)
    chosen = list(dict.fromkeys((*host.options, *options) if not dns else options))
    lines = [f"nameserver {server}" for server in servers]
    lines += [f"search {' '.join(domains)}"] if domains else []
    lines += [f"options {' '.join(chosen)}"] if chosen else []
    return "".join(f"{line}\n" for line in lines)


def hosts_file(
    hostname: str, addresses: Iterable[str], extra: Iterable[str] = (), *, domainname: str = "", gateway: str = ""
) -> str:
    """The text of ``/etc/hosts``. ``extra``: "name:address" as given to --add-host; ``host-gateway`` is ``gateway``."""
    names = f"{hostname}.{domainname} {hostname}" if domainname else hostname
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{address} {names}" for address in addresses]
    return "".join(f"{line}\n" for line in (*lines, *(_extra_line(entry, gateway) for entry in extra)))


def names_file(names: Mapping[str, Iterable[str]]) -> str:
    """The same format for a name server: every name with each of its addresses, in a fixed order."""
    return "".join(f"{address} {name}\n" for name in sorted(names) for address in sorted(names[name]))


def _extra_line(entry: str, gateway: str) -> str:
    name, _, address = entry.partition(":")
    address = gateway if address == HOST_GATEWAY else address.strip("[]")
    try:
        return f"{ipaddress.ip_address(address)} {name.strip()}"
    except ValueError as error:
        raise InvalidInput(f"{entry!r} names no address", hint="write name:address") from error


def _check_servers(servers: Iterable[str]) -> None:
    for server in servers:
        try:
            ipaddress.ip_address(server)
        except ValueError as error:
            raise InvalidInput(f"{server!r} is no address of a name server", hint="write it like 192.0.2.53") from error


def _parse(file: Path) -> Resolvers:
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[str] = []
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return Resolvers()
    for line in lines:
        match line.split():
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search" | "domain", *domains]:
                search = tuple(domain for domain in domains if domain != ".")
            case ["options", *more]:
                options += more
    return Resolvers(tuple(servers), search, tuple(options))
