"""Conformance cases run while tests wait for others: as many at once as there are processors, in the tests' order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from framework.conformance import GuestServer, Micro, Native, Outcome, command_of
from framework.programs import Program

__all__ = ["Ahead", "Case"]

Case = tuple[Program, str]  # and the platform it runs on


class Ahead:
    """``seconds``: until a case hangs, by platform and "native"."""

    def __init__(self, cases: Iterable[Case], server: GuestServer, seconds: Mapping[str, float]) -> None:
        self._pool = ThreadPoolExecutor(os.cpu_count())
        self._native: dict[Program, Future[Outcome]] = {}
        self._guest: dict[Case, Future[Outcome]] = {}
        for program, platform in cases:
            if program not in self._native:
                native = command_of(program, seconds=seconds["native"])
                self._native[program] = self._pool.submit(Native().run, native)
            guest = command_of(program, seconds=seconds[platform])
            self._guest[program, platform] = self._pool.submit(Micro(platform, server).run, guest)

    def natively(self, program: Program) -> Outcome:
        return self._native[program].result()

    def as_guest(self, program: Program, platform: str) -> Outcome:
        return self._guest[program, platform].result()

    def finish(self) -> None:
        """Wait for all."""
        for guest in self._guest.values():
            guest.result()

    def programs(self) -> set[Program]:
        """Of all cases."""
        return set(self._native)

    def close(self) -> None:
        """What runs ends; what has not begun does not begin any more."""
        self._pool.shutdown(cancel_futures=True)
