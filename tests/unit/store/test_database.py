"""The store keeps what was committed, whatever happens, and refuses what it cannot read."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from wirt.errors import CorruptData
from wirt.model.host import Event
from wirt.store import events
from wirt.store.database import Database
from wirt.store.events import EventTable
from wirt.store.journal import Journal, OperationKind
from wirt.store.migrations import MIGRATIONS


def test_schema_is_brought_up_to_date_once(tmp_path: Path) -> None:
    Database(tmp_path / "db").close()
    database = Database(tmp_path / "db")
    assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    database.close()


def test_every_migration_applies_to_the_one_before(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db")
    for script in MIGRATIONS:
        connection.executescript(script)
    connection.close()
    assert len(MIGRATIONS) >= 1


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(CorruptData, match="newer wirt"):
        Database(tmp_path / "db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(CorruptData, match="damaged"):
        Database(tmp_path / "db")


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    journal = Journal(database)
    with pytest.raises(RuntimeError), database.transaction():
        journal.begin(OperationKind.START, "a")
        with database.transaction():
            journal.begin(OperationKind.START, "b")
        raise RuntimeError
    assert journal.unfinished() == []
    database.close()


def test_journal_remembers_what_was_begun_and_how_far_it_came(tmp_path: Path) -> None:
    database = Database(tmp_path / "db")
    journal = Journal(database)
    first = journal.begin(OperationKind.CREATE, "a")
    second = journal.begin(OperationKind.START, "b")
    journal.step(second, "network")
    journal.end(first)
    database.close()
    database = Database(tmp_path / "db")
    [left] = Journal(database).unfinished()
    assert (left.kind, left.subject, left.step) == (OperationKind.START, "b", "network")
    database.close()


def test_journal_survives_the_kill_it_was_made_for(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from wirt.store.database import Database\n"
        "from wirt.store.journal import Journal, OperationKind\n"
        "journal = Journal(Database(Path(sys.argv[1])))\n"
        "operation = journal.begin(OperationKind.START, 'g')\n"
        "journal.step(operation, 'rootfs'); journal.step(operation, 'network'); print('not reached')\n"
    )
    environment = os.environ | {"WIRT_CRASH_AT": "start:network"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "db")], env=environment, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    database = Database(tmp_path / "db")
    [left] = Journal(database).unfinished()
    assert left.step == "network"
    database.close()


def test_events_are_kept_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_KEPT", 100)
    monkeypatch.setattr(events, "_TRIM_EVERY", 10)
    database = Database(tmp_path / "db")
    table = EventTable(database)
    for number in range(250):
        table.append(Event(float(number), "guest", "start", "g", {"n": str(number)}))
    kept = table.between(0, 1000)
    assert len(kept) == 100 and kept[-1].attributes == {"n": "249"}
    assert [event.time for event in table.between(240, 242)] == [240.0, 241.0, 242.0]
    database.close()
