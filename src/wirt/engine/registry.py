"""The guests there are: in memory for speed, in the store for keeps; both change together or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
from collections.abc import Iterator
from typing import Any

from wirt.errors import Conflict, InvalidInput, NotFound
from wirt.model.guest import TRANSITIONS, Guest, GuestState
from wirt.store.database import Database
from wirt.store.guests import GuestTable

__all__ = ["Registry"]


class Registry:
    """Owned by the daemon's event loop."""

    def __init__(self, database: Database) -> None:
        table = GuestTable(database)
        self._database = database
        self._table = table
        self._guests: dict[str, Guest] = {guest.id: guest for guest in table.load()}
        self._names: dict[str, str] = {guest.name: guest.id for guest in self if guest.state != GuestState.REMOVING}

    def __iter__(self) -> Iterator[Guest]:
        return iter(list(self._guests.values()))

    def __len__(self) -> int:
        return len(self._guests)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside, in the store and here, or none: a commit on a full disk fails after the changes."""
        guests, names = dict(self._guests), dict(self._names)
        try:
            with self._database.transaction():
                yield
        except BaseException:
            self._guests, self._names = guests, names
            raise

    def new_id(self) -> str:
        """64 hex digits whose first twelve, which name things on the host, are free too."""
        taken = {guest_id[:12] for guest_id in self._guests}
        while (candidate := secrets.token_hex(32))[:12] in taken:
            pass
        return candidate

    def name_taken(self, name: str) -> bool:
        return name in self._names

    def get(self, guest_id: str) -> Guest | None:
        return self._guests.get(guest_id)

    def current(self, guest_id: str) -> Guest:
        """The newest state of a guest known by its full id."""
        if (guest := self._guests.get(guest_id)) is None:
            raise NotFound(f"no such guest: {guest_id[:12]}", hint="wirt ps -a lists them")
        return guest

    def find(self, ref: str) -> Guest:
        """By full id, name, or a prefix of the id that only one guest has."""
        ref = ref.removeprefix("/")
        if not ref:
            raise InvalidInput("a guest's name or id is missing", hint="wirt ps -a lists them")
        if ref in self._guests:
            return self._guests[ref]
        if ref in self._names:
            return self._guests[self._names[ref]]
        matches = [
            guest for guest in self._guests.values() if guest.id.startswith(ref) and guest.state != GuestState.REMOVING
        ]
        if len(matches) > 1:
            raise Conflict(f"{ref} is the beginning of {len(matches)} guests' ids", hint="give more digits")
        if not matches:
            raise NotFound(f"no such guest: {ref}", hint="wirt ps -a lists them")
        return matches[0]

    def add(self, guest: Guest) -> None:
        self._table.save(guest)
        self._guests[guest.id] = guest
        self._names[guest.name] = guest.id

    def change(self, guest_id: str, **changes: Any) -> Guest:
        """Replace fields of a guest; a new ``state`` must be one that its present state leads to."""
        before = self.current(guest_id)
        wanted = changes.get("state", before.state)
        if wanted != before.state and wanted not in TRANSITIONS[before.state]:
            raise Conflict(f"guest {before.name} is {before.state}, it cannot become {wanted}")
        after = dataclasses.replace(before, **changes)
        self._table.save(after)
        self._guests[guest_id] = after
        if self._names.get(before.name) == guest_id:
            del self._names[before.name]
        if after.state != GuestState.REMOVING:
            self._names[after.name] = guest_id
        return after

    def discard(self, guest_id: str) -> None:
        self._table.delete(guest_id)
        guest = self._guests.pop(guest_id, None)
        if guest is not None and self._names.get(guest.name) == guest_id:
            del self._names[guest.name]
