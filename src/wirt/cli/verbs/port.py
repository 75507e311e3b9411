"""``wirt port``: which ports of the host lead to a guest."""

from __future__ import annotations

from wirt.cli.options import Call, Verb
from wirt.client.transport import path
from wirt.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["VERB", "run"]

VERB = Verb(
    "port",
    "Show the ports of the host that lead to a guest",
    args="GUEST [PORT[/PROTOCOL]]",
    examples=(("wirt port web", "80/tcp -> 127.0.0.1:8080"), ("wirt port web 80", "127.0.0.1:8080")),
)


def run(call: Call) -> None:
    ref, *wanted = call.args
    ports = call.transport.call("GET", path("guests", ref))["network_settings"]["ports"]
    if not wanted:
        for port in ports:
            for place in _places(port):
                print(f"{port['guest_port']}/{port['protocol']} -> {place}")
        return
    number, _, protocol = wanted[0].partition("/")
    matching = [port for port in ports if _key(port) == (number, protocol.lower() or "tcp")]
    if not matching:
        raise NotFound(f"port {wanted[0]} of guest {ref} is not published", hint=f"see those that are: wirt port {ref}")
    for port in matching:
        print("\n".join(_places(port)))


def _key(port: dict[str, Any]) -> tuple[str, str]:
    return str(port["guest_port"]), port["protocol"]


def _places(port: dict[str, Any]) -> Iterator[str]:
    """Where it is on the host; without an address of its own, on every address of both kinds."""
    for address in (port["host_ip"],) if port["host_ip"] else ("0.0.0.0", "::"):  # noqa: S104 - shown, not bound
        yield f"[{address}]:{port['host_port']}" if ":" in address else f"{address}:{port['host_port']}"
