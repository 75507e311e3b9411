"""Addresses given to guests by this daemon, so that two starts at once never get the same one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Collection

from wirt.network.addresses import Plan, choose_address

__all__ = ["Leases"]


class Leases:
    """Thread-safe; its lock is held for arithmetic only (see the package)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[str, set[int]] = {}
        self._last: dict[str, int] = {}

    def take(self, network_id: str, plan: Plan, used: Collection[str], asked: str = "") -> str:
        """An address that is neither in ``used`` nor given out; errors as of ``choose_address``."""
        elsewhere = set(map(_number, used))
        with self._lock:
            given = self._given.setdefault(network_id, set())
            chosen = choose_address(plan, given | elsewhere, self._last.get(network_id, 0), asked)
            given.add(chosen)
            if not asked:
                self._last[network_id] = chosen
        return socket.inet_ntoa(chosen.to_bytes(4, "big"))

    def give_back(self, network_id: str, address: str) -> None:
        """The address is free; no error when it was."""
        with self._lock:
            self._given.get(network_id, set()).discard(_number(address))

    def forget(self, network_id: str) -> None:
        """The network is gone."""
        with self._lock:
            self._given.pop(network_id, None)
            self._last.pop(network_id, None)


def _number(address: str) -> int:
    return int.from_bytes(socket.inet_aton(address), "big")
