"""Published and exposed ports, names of hosts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["expose", "extra_host", "publish"]

_PROTOCOLS = ("tcp", "udp", "sctp")


def publish(text: str) -> list[dict[str, Any]]:
    """``[[address:]port[-port]:]port[-port][/protocol]``: a binding for every port of a range."""
    rest, protocol = _protocol(text)
    address, rest = _address(rest)
    host, _, guest = rest.rpartition(":")
    if ":" in host:
        address, _, host = host.rpartition(":")
    if address:
        _check_address(address)
    guests = _range(guest)
    hosts = _range(host) if host not in ("", "0") else range(0)
    if hosts and len(hosts) != len(guests):
        raise ValueError("the two ranges have different lengths")
    return [
        {"guest_port": port, "host_port": hosts[i] if hosts else 0, "protocol": protocol, "host_ip": address}
        for i, port in enumerate(guests)
    ]


def expose(text: str) -> list[str]:
    """``port[-port][/protocol]``."""
    rest, protocol = _protocol(text)
    return [f"{port}/{protocol}" for port in _range(rest)]


def extra_host(text: str) -> str:
    """``name:address`` or ``name=address``; an address may be in brackets."""
    separator = "=" if "=" in text else ":"
    name, found, address = text.partition(separator)
    if not found or not name or not address:
        raise ValueError("write name:address")
    return f"{name}:{address.strip('[]')}"


def _protocol(text: str) -> tuple[str, str]:
    rest, slash, protocol = text.partition("/")
    protocol = protocol.lower() if slash else "tcp"
    if protocol not in _PROTOCOLS:
        raise ValueError(f"the protocol is one of {', '.join(_PROTOCOLS)}")
    return rest, protocol


def _address(text: str) -> tuple[str, str]:
    """An address in brackets, and the rest; one without brackets stays there."""
    if not text.startswith("["):
        return "", text
    address, bracket, rest = text[1:].partition("]:")
    if not bracket:
        raise ValueError("an address in brackets is followed by :port")
    return address, rest


def _check_address(address: str) -> None:
    import _socket

    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, address)
        except OSError:
            continue
        return
    raise ValueError(f"{address!r} is no address")


def _range(text: str) -> range:
    low, dash, high = text.partition("-")
    if not dash:
        high = low
    if not (low.isdecimal() and high.isdecimal() and 0 < int(low) <= int(high) < 65536):
        raise ValueError(f"{text!r} is no port, nor a range of them (1 to 65535)")
    return range(int(low), int(high) + 1)
