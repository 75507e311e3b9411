"""Changes of a guest's limits and restart policy, while it runs too."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Collection

from wirt.engine.lifecycle import Lifecycle
from wirt.engine.orders import Orders
from wirt.engine.registry import Registry
from wirt.errors import Conflict, WirtError
from wirt.model.guest import Guest, GuestState, Kind, Resources, RestartMode, RestartPolicy

__all__ = ["Updates"]


class Updates:
    """Owned by the daemon's event loop."""

    def __init__(self, registry: Registry, lifecycle: Lifecycle) -> None:
        self._registry = registry
        self._lifecycle = lifecycle
        self._orders = Orders(registry, lifecycle)

    async def apply(self, guest: Guest, resources: Resources, restart: RestartPolicy | None) -> tuple[str, ...]:
        """What is None (or "") in ``resources`` stays as it is. Warnings about what has no effect, or not at once."""
        if restart is not None and guest.spec.auto_remove and restart.mode is not RestartMode.NO:
            raise Conflict(f"guest {guest.name} is removed when it ends, it cannot be restarted")
        asked = {f.name: getattr(resources, f.name) for f in dataclasses.fields(Resources)}
        changes = {name: value for name, value in asked.items() if value not in (None, "")}
        async with self._lifecycle.lock(guest.id):
            guest = self._registry.current(guest.id)
            wanted = dataclasses.replace(guest.spec.resources, **changes)
            spec = dataclasses.replace(guest.spec, resources=wanted, restart=restart or guest.spec.restart)
            runtime = self._lifecycle.runtime(guest.spec.kind)
            said = runtime.check(spec)
            if changes and guest.state in (GuestState.RUNNING, GuestState.PAUSED):
                said = await asyncio.to_thread(runtime.update, guest.id, wanted)
                said += await self._tell_programs(guest, wanted, changes)
            elif changes:
                before = runtime.check(guest.spec)
                said = tuple(warning for warning in said if warning not in before)
            self._registry.change(guest.id, spec=spec)
            self._lifecycle.publish(guest, "update")
        return said if changes else ()

    async def _tell_programs(self, guest: Guest, wanted: Resources, changes: Collection[str]) -> tuple[str, ...]:
        """The monitors of a micro guest refuse memory beyond its limit before the kernel would kill for it."""
        if guest.spec.kind is not Kind.MICRO or "memory" not in changes:
            return ()
        try:
            self._orders.find(guest.id)
            with self._orders.open(guest, "memory", {"limit": wanted.memory or 0}) as order:
                await self._orders.deliver(guest, order)
        except (WirtError, TimeoutError) as error:
            return (f"programs that run already may map as much memory as before: {error}",)
        return ()
