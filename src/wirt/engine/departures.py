"""Guests on their way out: whoever waited for them has been told of the end, and what is left of them is still going.

A command need not wait until its guest is cleared away; the next one must not see what is left of it. So whoever looks
at guests, or at who uses what, waits until those that were leaving have left.
"""

from __future__ import annotations

import asyncio

__all__ = ["Departures"]

_PATIENCE = 5.0  # seconds; a guest that cannot be cleared away is shown again


class Departures:
    """Owned by the daemon's event loop."""

    def __init__(self) -> None:
        self._leaving: dict[str, asyncio.Event] = {}

    def __contains__(self, guest_id: str) -> bool:
        return guest_id in self._leaving

    def begin(self, guest_id: str) -> None:
        """Before anybody is told of the end of a guest that will be removed."""
        if guest_id not in self._leaving:
            self._leaving[guest_id] = asyncio.Event()
            asyncio.get_running_loop().call_later(_PATIENCE, self.end, guest_id)

    def end(self, guest_id: str) -> None:
        """The guest is no more; one that was not leaving is no error."""
        if (gone := self._leaving.pop(guest_id, None)) is not None:
            gone.set()

    async def over(self) -> None:
        """Until every guest that is leaving now has left, a few seconds at the most."""
        for gone in list(self._leaving.values()):
            await gone.wait()
