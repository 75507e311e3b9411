"""The networks' rows."""

from __future__ import annotations

import msgspec

from wirt.model.network import Network
from wirt.store.database import Database

__all__ = ["NetworkTable"]

_decoder = msgspec.json.Decoder(Network)


class NetworkTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> list[Network]:
        return [_decoder.decode(body) for (body,) in self._database.execute("SELECT body FROM networks")]

    def save(self, network: Network) -> None:
        self._database.execute(
            "INSERT INTO networks (id, name, body) VALUES (?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body",
            network.id,
            network.name,
            msgspec.json.encode(network),
        )

    def delete(self, network_id: str) -> None:
        self._database.execute("DELETE FROM networks WHERE id = ?", network_id)
