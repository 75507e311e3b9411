"""Choosing and guarding the host's ports that lead to guests.

A port is free when no guest of any wirt on this host has it (the ledger says so, whether their daemons live or not) and
when it can be bound. The bound socket is kept, never listened on: while the daemon lives, another program that wants
the port is told that it is taken instead of waiting for connections that never come.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import ipaddress
import socket
from collections.abc import Iterable, Sequence

from wirt.errors import Conflict, InvalidInput, Unavailable, WirtError
from wirt.host.sockets import port_holder
from wirt.model.guest import Endpoint, PortBinding
from wirt.network.failures import translated
from wirt.network.ledger import ANYWHERE, Claim

__all__ = ["claim_ports", "hold"]

_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
_ATTEMPTS = 100


def claim_ports(
    guest_id: str, endpoint: Endpoint, bindings: Sequence[PortBinding], taken: Iterable[Claim]
) -> list[tuple[Claim, socket.socket]]:
    """A claim for each binding on the guest at ``endpoint``, with the socket that guards it; all or none.

    ``taken``: the claims of all guests on the host. ``Conflict`` says who has a port, ``InvalidInput`` what cannot be.
    """
    known = list(taken)
    made: list[tuple[Claim, socket.socket]] = []
    with contextlib.ExitStack() as undo:
        for binding in bindings:
            claim = Claim(
                guest_id,
                endpoint.network_id,
                binding.protocol,
                _host_ip(binding),
                binding.host_port,
                endpoint.ip_address,
                binding.guest_port,
            )
            guarded = _claim_given(claim, known) if claim.host_port else _claim_free(claim, known)
            undo.callback(guarded[1].close)
            known.append(guarded[0])
            made.append(guarded)
        undo.pop_all()
    return made


def hold(claim: Claim) -> socket.socket | None:
    """The guard of a port that a guest has had since before this daemon; None when another program has bound it."""
    try:
        return _bind(claim)
    except OSError:
        return None


def _host_ip(binding: PortBinding) -> str:
    if binding.protocol not in _KINDS:
        raise InvalidInput(f"{binding.protocol} ports cannot be published", hint="tcp and udp can")
    if not 0 < binding.guest_port < 65536 or not 0 <= binding.host_port < 65536:
        raise InvalidInput(f"{binding.host_port}:{binding.guest_port} are no ports", hint="ports are 1 to 65535")
    if not binding.host_ip:
        return ANYWHERE
    try:
        return str(ipaddress.IPv4Address(binding.host_ip))
    except ValueError as error:
        hint = (
            "guests have IPv4 addresses: bind an IPv4 address" if ":" in binding.host_ip else "write it like 127.0.0.1"
        )
        raise InvalidInput(f"ports cannot be published on {binding.host_ip!r}", hint=hint) from error


def _claim_given(claim: Claim, known: Sequence[Claim]) -> tuple[Claim, socket.socket]:
    other = next(filter(claim.collides, known), None)
    if other is not None and other.guest_id == claim.guest_id:
        raise InvalidInput(f"the port {_name(claim)} is given twice", hint="publish each port of the host once")
    if other is not None:
        raise _taken(claim, f"the guest {other.guest_id[:12]}")
    try:
        return claim, _bind(claim)
    except OSError as error:
        raise _refused(claim, error) from error


def _claim_free(claim: Claim, known: Sequence[Claim]) -> tuple[Claim, socket.socket]:
    """The kernel proposes ports; one that a guest has whose daemon is gone is refused and another one asked for."""
    with contextlib.ExitStack() as refused:
        for _ in range(_ATTEMPTS):
            try:
                guard = _bind(claim)
            except OSError as error:
                raise _refused(claim, error) from error
            chosen = dataclasses.replace(claim, host_port=guard.getsockname()[1])
            if not any(map(chosen.collides, known)):
                return chosen, guard
            refused.callback(guard.close)
    raise Unavailable(f"no free {claim.protocol} port was found", hint="publish a port of your choice")


def _bind(claim: Claim) -> socket.socket:
    guard = socket.socket(socket.AF_INET, _KINDS[claim.protocol])
    try:
        # With it, a bind succeeds beside closed connections in TIME_WAIT; taken back, nobody can bind beside us.
        guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(claim.protocol == "tcp" and claim.host_port > 0))
        guard.bind((claim.host_ip, claim.host_port))
        guard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        guard.close()
        raise
    return guard


def _refused(claim: Claim, error: OSError) -> WirtError:
    if error.errno == errno.EADDRINUSE:
        return _taken(claim, port_holder(claim.protocol, claim.host_port) or "another program")
    if error.errno == errno.EADDRNOTAVAIL:
        return InvalidInput(f"{claim.host_ip} is no address of this host", hint="see ip address, or leave it away")
    return translated(error, f"bind port {claim.host_port}/{claim.protocol}")


def _taken(claim: Claim, owner: str) -> Conflict:
    return Conflict(f"the port {_name(claim)} is taken by {owner}", hint="publish on another port, or stop what has it")


def _name(claim: Claim) -> str:
    where = f"{claim.host_ip}:" if claim.host_ip != ANYWHERE else ""
    return f"{where}{claim.host_port}/{claim.protocol}"
