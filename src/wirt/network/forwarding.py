"""The host's switch for forwarding (net.ipv4.ip_forward), which guests need to get out.

Switched on, the host would forward between *all* its interfaces, which nobody asked for. So wirt notes which interfaces
there were before (the *fence*), and its rules drop what is forwarded between two of them. Interfaces that come
later belong to programs that would have switched it on themselves. When it was on already, wirt changes nothing.
"""

from __future__ import annotations

import logging
import socket

from wirt.host import links
from wirt.host.sysctl import read_sysctl, write_sysctl
from wirt.network.failures import explained
from wirt.network.ledger import Ledger

__all__ = ["is_on", "prepare", "restore", "switch_on"]

_SWITCH = "net/ipv4/ip_forward"
_log = logging.getLogger(__name__)


def is_on() -> bool:
    """Whether this host forwards."""
    return read_sysctl(_SWITCH) == "1"


def prepare(ledger: Ledger) -> bool:
    """Write the fence down if forwarding is off and say whether it must be switched on, once the rules stand."""
    if is_on():
        return False
    ledger.write_fence(tuple(sorted(_interfaces() - _bridges(ledger))))
    return True


def switch_on() -> None:
    """Let the host forward."""
    with explained("switch on net.ipv4.ip_forward"):
        write_sysctl(_SWITCH, "1")
    _log.info("switched on net.ipv4.ip_forward for guests; the rules keep it off between the host's other interfaces")


def restore(ledger: Ledger) -> None:
    """Switch forwarding off again when wirt switched it on and neither other instances nor later interfaces need it.

    Called with the ledger's lock held, by an instance that has nothing any more. What an instance that is gone has left
    in the ledger needs nothing: its bridges are gone as well.
    """
    fence = ledger.read_fence()
    held = [segment for other in ledger.others().values() for segment in other.segments]
    if fence is None or any(links.index_of(segment.bridge) for segment in held):
        return
    if _interfaces() <= set(fence):
        with explained("switch off net.ipv4.ip_forward"):
            write_sysctl(_SWITCH, "0")
    ledger.drop_fence()


def _interfaces() -> set[str]:
    return {name for _, name in socket.if_nameindex()} - {"lo"}


def _bridges(ledger: Ledger) -> set[str]:
    pages = (ledger.read(), *ledger.others().values())
    return {segment.bridge for page in pages for segment in page.segments}
