"""Orders to the processes of running micro guests: given, heard, collected.

A process hears of an order when it is kicked, or when it begins while the order is open (``wirt.sentry.orders``).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

from wirt.engine.keepers import OpenOrder
from wirt.engine.lifecycle import Lifecycle
from wirt.engine.registry import Registry
from wirt.errors import Conflict, InvalidInput, RuntimeFailure
from wirt.model.guest import Guest, GuestState, Kind

__all__ = ["Orders", "Reply"]

Reply = dict[str, Any]  # what a process sent: from a guest, so nothing in it is certain

_PATIENCE = 10.0  # seconds without any answer
_EVERY = 0.25  # seconds until processes that have not answered are kicked again, and those that ended noticed


class Orders:
    """Owned by the daemon's event loop."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle

    def find(self, ref: str) -> Guest:
        """A micro guest that can hear; otherwise ``InvalidInput`` or ``Conflict``."""
        guest = self._registry.find(ref)
        if guest.spec.kind is not Kind.MICRO:
            raise InvalidInput(f"guest {guest.name} is a {guest.spec.kind.value}, not a micro guest")
        if guest.state is GuestState.PAUSED:
            raise Conflict(f"guest {guest.name} is paused", hint=f"wirt unpause {guest.name} first")
        if guest.state not in (GuestState.RUNNING, GuestState.STOPPING):
            raise Conflict(f"guest {guest.name} does not run", hint=f"wirt start {guest.name} first")
        return guest

    @contextlib.contextmanager
    def open(self, guest: Guest, name: str, arguments: dict[str, Any], fds: Sequence[int] = ()) -> Iterator[OpenOrder]:
        """An order that is open as long as the context: processes that begin meanwhile hear of it, too."""
        link = self._lifecycle.keepers.get(guest.id)
        if link is None:
            raise RuntimeFailure(f"the keeper of guest {guest.name} is gone")
        order = link.order(name, arguments, fds)
        try:
            yield order
        finally:
            link.revoke(order)

    async def deliver(self, guest: Guest, order: OpenOrder, *, patience: float = _PATIENCE) -> dict[int, list[Reply]]:
        """Kick all processes and collect what each says until it says no more, by the host's pids.

        A process that ends instead is left out; one that begins meanwhile is waited for. ``RuntimeFailure`` names those
        from which nothing came for ``patience`` seconds.
        """
        await asyncio.wait_for(order.given, _PATIENCE)
        runtime = self._lifecycle.runtime(guest.spec.kind)
        answers = _Answers()
        heard, silent_since = 0, time.monotonic()
        while waiting := set(await asyncio.to_thread(runtime.kick, guest)) - answers.done:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await answers.collect(order, waiting)
            if answers.heard > heard:
                heard, silent_since = answers.heard, time.monotonic()
            elif time.monotonic() - silent_since > patience:
                pids = " ".join(map(str, sorted(waiting)[:8]))
                raise RuntimeFailure(
                    f"processes of guest {guest.name} do not answer: {pids}",
                    hint="a stopped process answers when it is continued",
                )
        return answers.said


class _Answers:
    """What has been said so far."""

    def __init__(self) -> None:
        self.said: dict[int, list[Reply]] = {}
        self.done: set[int] = set()
        self.heard = 0

    async def collect(self, order: OpenOrder, waiting: set[int]) -> None:
        """Until all of ``waiting`` have said everything."""
        while not waiting <= self.done:
            pid, reply = await order.replies.get()
            if pid == 0:
                raise Conflict("the guest has ended")
            self.heard += 1
            if reply is None:
                self.done.add(pid)
            else:
                self.said.setdefault(pid, []).append(reply)
