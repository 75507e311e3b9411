"""The lock that many hold together, or one alone."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import pytest

from wirt.engine.sharing import SharedLock


class _Guest:
    """Holds the lock until it is told to go."""

    def __init__(self, how: AbstractAsyncContextManager[None]) -> None:
        self.inside = asyncio.Event()
        self._leave = asyncio.Event()
        self._task = asyncio.create_task(self._hold(how))

    async def _hold(self, how: AbstractAsyncContextManager[None]) -> None:
        async with how:
            self.inside.set()
            await self._leave.wait()

    async def go(self) -> None:
        self._leave.set()
        await self._task


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_those_who_share_are_inside_together_and_one_alone_waits_for_them() -> None:
    async def body() -> None:
        lock = SharedLock()
        one, two = _Guest(lock.shared()), _Guest(lock.shared())
        await asyncio.gather(one.inside.wait(), two.inside.wait())
        alone = _Guest(lock.alone())
        await _turns()
        late = _Guest(lock.shared())
        await one.go()
        await _turns()
        assert not alone.inside.is_set()
        assert not late.inside.is_set(), "who came later than who wants it alone waits for him"
        await two.go()
        await alone.inside.wait()
        await _turns()
        assert not late.inside.is_set()
        await alone.go()
        await late.inside.wait()
        await late.go()

    asyncio.run(body())


def test_an_error_inside_lets_the_others_in() -> None:
    async def body() -> None:
        lock = SharedLock()
        for how in (lock.shared, lock.alone, lock.shared):
            with pytest.raises(KeyError):
                async with how():
                    {}.pop("missing")
        async with asyncio.timeout(5), lock.alone():
            pass

    asyncio.run(body())
