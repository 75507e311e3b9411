"""Guests are found as Docker's users expect, keep their state over a restart, and change state by the rules only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wirt.engine.registry import Registry
from wirt.errors import Conflict, InvalidInput, NotFound
from wirt.model.guest import TRANSITIONS, Guest, GuestSpec, GuestState
from wirt.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "wirt.db")
    yield database
    database.close()


@pytest.fixture
def registry(database: Database) -> Registry:
    return Registry(database)


def guest(start: str, name: str, state: GuestState = GuestState.CREATED) -> Guest:
    return Guest(start.ljust(64, "0"), name, GuestSpec("busybox"), "sha256:1", 1.0, state)


def test_find_by_id_prefix_and_name(registry: Registry) -> None:
    first, second = guest("aaa1", "one"), guest("aaa2", "two")
    registry.add(first)
    registry.add(second)
    assert registry.find("one") == registry.find("/one") == registry.find("aaa1") == registry.find(first.id) == first
    with pytest.raises(Conflict, match="2 guests"):
        registry.find("aaa")
    with pytest.raises(NotFound, match="no such guest: x"):
        registry.find("x")
    with pytest.raises(InvalidInput):
        registry.find("")


def test_name_goes_before_an_id_prefix(registry: Registry) -> None:
    registry.add(guest("cafe", "one"))
    registry.add(guest("beef", "cafe"))
    assert registry.find("cafe").id.startswith("beef")


def test_taken_name_is_refused_and_nothing_changes(registry: Registry) -> None:
    registry.add(guest("a", "one"))
    with pytest.raises(Conflict, match="taken"):
        registry.add(guest("b", "one"))
    assert len(registry) == 1
    assert registry.find("one").id.startswith("a")


def test_guests_are_there_after_a_restart(registry: Registry, database: Database) -> None:
    registry.add(guest("a", "one"))
    registry.change(guest("a", "one").id, state=GuestState.STARTING, env=("A=1",))
    again = Registry(database).find("one")
    assert (again.state, again.env) == (GuestState.STARTING, ("A=1",))


def test_a_guest_that_is_being_removed_gives_its_name_free(registry: Registry, database: Database) -> None:
    old = guest("a", "one")
    registry.add(old)
    registry.change(old.id, state=GuestState.REMOVING)
    assert not registry.name_taken("one")
    registry.add(guest("b", "one"))
    registry.discard(old.id)
    assert registry.find("one").id.startswith("b")
    assert Registry(database).find("one").id.startswith("b")


def test_rename_moves_the_name(registry: Registry) -> None:
    registry.add(guest("a", "one"))
    registry.add(guest("b", "two"))
    registry.change(guest("a", "").id, name="three")
    assert registry.find("three").id.startswith("a")
    with pytest.raises(NotFound):
        registry.find("one")
    with pytest.raises(Conflict):
        registry.change(guest("a", "").id, name="two")
    assert registry.find("two").id.startswith("b")


@pytest.mark.parametrize("before", GuestState)
@pytest.mark.parametrize("after", GuestState)
def test_states_follow_one_another_by_the_table_only(registry: Registry, before: GuestState, after: GuestState) -> None:
    registry.add(guest("a", "one", before))
    allowed = after == before or after in TRANSITIONS[before]
    if allowed:
        assert registry.change(guest("a", "").id, state=after).state == after
    else:
        with pytest.raises(Conflict):
            registry.change(guest("a", "").id, state=after)
        assert registry.current(guest("a", "").id).state == before


def test_new_ids_are_64_digits(registry: Registry) -> None:
    assert len(registry.new_id()) == 64
    assert registry.new_id() != registry.new_id()


def test_a_transaction_that_fails_changes_nothing_in_memory_either(registry: Registry) -> None:
    registry.add(guest("a", "one"))

    def failing() -> None:
        with registry.transaction():
            registry.change(guest("a", "").id, state=GuestState.STARTING)
            registry.add(guest("b", "two"))
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        failing()
    assert registry.find("one").state == GuestState.CREATED
    assert not registry.name_taken("two")
