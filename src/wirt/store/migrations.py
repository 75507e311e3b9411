"""The schema, as numbered steps. A step that has been released is never edited; a new one is appended."""

from __future__ import annotations

__all__ = ["MIGRATIONS"]

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE guests (
        id      TEXT PRIMARY KEY,
        name    TEXT NOT NULL,
        state   TEXT NOT NULL,
        created REAL NOT NULL,
        body    BLOB NOT NULL
    ) STRICT;
    -- A guest that is being removed has given up its name.
    CREATE UNIQUE INDEX guests_name ON guests (name) WHERE state != 'removing';

    CREATE TABLE networks (
        id   TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        body BLOB NOT NULL
    ) STRICT;

    CREATE TABLE operations (
        id       INTEGER PRIMARY KEY,
        kind     TEXT NOT NULL,
        subject  TEXT NOT NULL,
        step     TEXT NOT NULL,
        started  REAL NOT NULL
    ) STRICT;

    CREATE TABLE events (
        number INTEGER PRIMARY KEY,
        time   REAL NOT NULL,
        body   BLOB NOT NULL
    ) STRICT;
    CREATE INDEX events_time ON events (time);
    """,
)
