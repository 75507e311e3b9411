"""What happens on this host, for whoever wants to know: kept in the store, told to subscribers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from wirt.engine.filters import Filters, matches_label
from wirt.errors import InvalidInput
from wirt.model.host import Event
from wirt.store.events import EventTable

__all__ = ["EVENT_FILTERS", "Events"]

# A subscriber that falls this far behind is cut off rather than let to fill the daemon's memory.
_BACKLOG = 4096

EVENT_FILTERS = ("type", "event", "guest", "container", "image", "network", "volume", "label")


class Events:
    """Owned by the daemon's event loop."""

    def __init__(self, table: EventTable) -> None:
        self._table = table
        self._subscribers: set[asyncio.Queue[Event | None]] = set()

    def publish(self, type_: str, action: str, subject: str, **attributes: str) -> None:
        """``subject``: the id or name of what it happened to."""
        event = Event(time.time(), type_, action, subject, attributes)
        self._table.append(event)
        for queue in tuple(self._subscribers):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._subscribers.discard(queue)

    async def history(self, since: float, until: float, filters: Filters) -> list[Event]:
        """What happened between two times (Unix seconds), oldest first."""
        _check_filters(filters)
        return [event for event in self._table.between(since, until) if _matches(event, filters)]

    def subscribe(self, filters: Filters) -> AsyncGenerator[Event, None]:
        """Every event from this call on, until the daemon ends or the reader has fallen too far behind."""
        _check_filters(filters)
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_BACKLOG)
        self._subscribers.add(queue)
        return self._deliver(queue, filters)

    async def _deliver(self, queue: asyncio.Queue[Event | None], filters: Filters) -> AsyncGenerator[Event, None]:
        try:
            while queue in self._subscribers or not queue.empty():
                event = await queue.get()
                if event is None:
                    return
                if _matches(event, filters):
                    yield event
        finally:
            self._subscribers.discard(queue)

    def close(self) -> None:
        """End every subscription."""
        for queue in tuple(self._subscribers):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
        self._subscribers.clear()


def _check_filters(filters: Filters) -> None:
    for name in filters:
        if name not in EVENT_FILTERS:
            raise InvalidInput(f"events cannot be filtered by {name!r}", hint=f"use {', '.join(EVENT_FILTERS)}")


def _matches(event: Event, filters: Filters) -> bool:
    """Every filter must hold; of the values of one filter, any."""
    return all(any(_holds(event, name, value) for value in values) for name, values in filters.items())


def _holds(event: Event, name: str, value: str) -> bool:
    if name == "type":
        return event.type == ("guest" if value == "container" else value)
    if name == "event":
        return event.action == value or event.action.startswith(f"{value}:")
    if name == "label":
        return matches_label(event.attributes, value)
    if name == "image" and event.type == "guest":
        return event.attributes.get("image") == value
    kind = "guest" if name == "container" else name
    named = event.attributes.get("name") == value or event.id == value
    return event.type == kind and (named or (len(value) >= 4 and event.id.startswith(value)))
