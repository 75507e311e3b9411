"""Opening the database, bringing its schema up to date, and transactions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from wirt.errors import CorruptData, OutOfSpace
from wirt.store.migrations import MIGRATIONS

__all__ = ["Database"]


class Database:
    """One connection. ``path`` is made when missing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._errors():
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._migrate()

    def _migrate(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise CorruptData(
                f"{self._path} was written by a newer wirt (schema {version}, this one knows {len(MIGRATIONS)})",
                hint="install the newer version again",
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            # One transaction a step, the version with it: a crash leaves the schema before or after, not between.
            self._connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version={number}; COMMIT;")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is done inside, or nothing. Nested use joins the outer one."""
        if self._connection.in_transaction:
            yield
            return
        with self._errors():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._errors():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        with self._errors():
            return self._connection.execute(statement, values)

    def close(self) -> None:
        self._connection.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except sqlite3.OperationalError as error:
            # SQLITE_FULL and an I/O error for want of space both come as this class; the text tells them apart.
            if "full" in str(error):
                raise OutOfSpace(f"no space left for {self._path}", hint="free some space and try again") from error
            raise
        except sqlite3.DatabaseError as error:
            raise CorruptData(
                f"{self._path} is damaged: {error}",
                hint="restore it from a backup, or move it away to start with no guests",
            ) from error
