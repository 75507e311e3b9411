"""What happened, kept so that ``wirt events --since`` reaches back over restarts of the daemon."""

from __future__ import annotations

import msgspec

from wirt.model.host import Event
from wirt.store.database import Database

__all__ = ["EventTable"]

_decoder = msgspec.json.Decoder(Event)

# Enough for days of ordinary use, a few megabytes on disk.
_KEPT = 10_000
_TRIM_EVERY = 256


class EventTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, event: Event) -> None:
        cursor = self._database.execute(
            "INSERT INTO events (time, body) VALUES (?, ?)", event.time, msgspec.json.encode(event)
        )
        number = cursor.lastrowid or 0
        if number % _TRIM_EVERY == 0:
            self._database.execute("DELETE FROM events WHERE number <= ?", number - _KEPT)

    def between(self, since: float, until: float) -> list[Event]:
        """Events with ``since <= time <= until``, oldest first."""
        rows = self._database.execute(
            "SELECT body FROM events WHERE time >= ? AND time <= ? ORDER BY number", since, until
        )
        return [_decoder.decode(body) for (body,) in rows]
