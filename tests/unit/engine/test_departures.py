"""Guests that leave are waited for, not for ever."""

from __future__ import annotations

import asyncio

import pytest

from wirt.engine import departures
from wirt.engine.departures import Departures


def test_nobody_leaves_nobody_waits() -> None:
    asyncio.run(Departures().over())


def test_over_waits_for_all_who_are_leaving() -> None:
    async def scene() -> None:
        leaving = Departures()
        for guest in "ab":
            leaving.begin(guest)
        waiting = asyncio.create_task(leaving.over())
        leaving.end("a")
        await asyncio.sleep(0)
        assert not waiting.done() and "a" not in leaving and "b" in leaving
        leaving.end("b")
        leaving.end("never began")
        await waiting

    asyncio.run(scene())


def test_a_guest_that_stays_is_waited_for_once_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(departures, "_PATIENCE", 0.01)

    async def scene() -> None:
        leaving = Departures()
        leaving.begin("stuck")
        await leaving.over()
        assert "stuck" not in leaving

    asyncio.run(scene())
