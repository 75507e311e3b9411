"""The guests' rows. The columns beside ``body`` are for the indexes; ``body`` is the whole ``Guest`` as JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

from wirt.errors import Conflict
from wirt.model.guest import Guest
from wirt.store.database import Database

__all__ = ["GuestTable"]

_decoder = msgspec.json.Decoder(Guest)


class GuestTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> Iterable[Guest]:
        """Every guest, oldest first."""
        rows = self._database.execute("SELECT body FROM guests ORDER BY created")
        return [_decoder.decode(body) for (body,) in rows]

    def save(self, guest: Guest) -> None:
        """Insert or replace; ``Conflict`` when another guest has the name."""
        try:
            self._database.execute(
                "INSERT INTO guests (id, name, state, created, body) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, body = excluded.body",
                guest.id,
                guest.name,
                guest.state.value,
                guest.created,
                msgspec.json.encode(guest),
            )
        except sqlite3.IntegrityError as error:
            raise Conflict(
                f"the name {guest.name} is taken by another guest", hint=f"wirt rm or wirt rename {guest.name} first"
            ) from error

    def delete(self, guest_id: str) -> None:
        self._database.execute("DELETE FROM guests WHERE id = ?", guest_id)
