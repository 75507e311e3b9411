"""Restart policies (docker-run(1), "--restart"): again after an end, ever more slowly while it keeps failing.

What a user stopped stays so: with ``unless-stopped`` for good, with ``always`` until the next daemon starts.
"""

from __future__ import annotations

import asyncio
import logging

from wirt.engine.lifecycle import Lifecycle
from wirt.engine.registry import Registry
from wirt.errors import WirtError
from wirt.model.guest import Guest, GuestState, RestartMode

__all__ = ["Restarts", "wants_restart"]

log = logging.getLogger("wirt.restarts")

_FIRST_DELAY = 0.1  # seconds; doubled after every run shorter than _STEADY
_LONGEST_DELAY = 60.0
_STEADY = 10.0


def wants_restart(guest: Guest) -> bool:
    """Whether the policy wants an ended guest back."""
    policy = guest.spec.restart
    if guest.stopped_by_user:
        return False
    match policy.mode:
        case RestartMode.ALWAYS | RestartMode.UNLESS_STOPPED:
            return True
        case RestartMode.ON_FAILURE:
            return guest.exit_code != 0 and not (0 < policy.max_retries <= guest.restart_count)
        case RestartMode.NO:
            return False


def _wants_restart_anew(guest: Guest) -> bool:
    """The same where the daemon has just started."""
    return wants_restart(guest) or guest.spec.restart.mode is RestartMode.ALWAYS


class Restarts:
    """Owned by the daemon's event loop; one task a guest that waits for its restart."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._delays: dict[str, float] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def ended(self, guest: Guest) -> None:
        """An ended guest has been released: start it again if its policy says so."""
        guest = self._registry.get(guest.id) or guest
        if guest.state is not GuestState.EXITED or not wants_restart(guest):
            self._delays.pop(guest.id, None)
            return
        ran = guest.finished - guest.started
        delay = _FIRST_DELAY if ran >= _STEADY else self._delays.get(guest.id, _FIRST_DELAY)
        self._delays[guest.id] = min(delay * 2, _LONGEST_DELAY)
        self._schedule(self._registry.change(guest.id, state=GuestState.RESTARTING), delay)

    def _schedule(self, guest: Guest, delay: float) -> None:
        self.cancel(guest.id)
        task = self._tasks[guest.id] = asyncio.get_running_loop().create_task(self._again(guest.id, delay))
        task.add_done_callback(
            lambda done: self._tasks.pop(guest.id, None) if self._tasks.get(guest.id) is done else None
        )

    def resume(self) -> None:
        """A new daemon: guests that waited for a restart, or were to, start now; with ``always`` all do."""
        for guest in self._registry:
            if guest.state is GuestState.RESTARTING:
                self._schedule(guest, 0)
            elif guest.state is GuestState.EXITED and guest.started and _wants_restart_anew(guest):
                # Or an end that an earlier daemon booked, and died before it could act on it.
                self._schedule(self._registry.change(guest.id, state=GuestState.RESTARTING), 0)

    async def _again(self, guest_id: str, delay: float) -> None:
        await asyncio.sleep(delay)
        async with self._lifecycle.lock(guest_id):
            guest = self._registry.get(guest_id)
            if guest is None or guest.state is not GuestState.RESTARTING:
                return
            try:
                self._registry.change(guest_id, restart_count=guest.restart_count + 1)
                await self._lifecycle.start(self._registry.current(guest_id))
            except WirtError as error:
                log.warning("guest %s could not be restarted: %s", guest.name, error)

    def cancel(self, guest_id: str) -> None:
        """Somebody else decides over the guest now. The caller holds the guest's lock, so no start is under way."""
        if (task := self._tasks.pop(guest_id, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
