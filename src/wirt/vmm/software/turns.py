"""Who may use the engine: one thread at a time, first come first served. Whoever waits makes who runs stop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["SLICE", "Turns"]

SLICE = 0.003  # seconds a thread may go on while others wait


class Turns:
    """``preempt`` makes the thread that has the turn give it up soon; it may come to nothing, and is called again."""

    __slots__ = ("_held", "_lock", "_preempt", "_waiting")

    def __init__(self, preempt: Callable[[], None]) -> None:
        self._preempt = preempt
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    @property
    def held(self) -> bool:
        return self._held

    @property
    def waiting(self) -> int:
        """How many threads."""
        return len(self._waiting)

    def take(self, *, patience: float = SLICE) -> None:
        """Wait for the turn; ``patience`` is how long to wait before somebody is made to stop, in seconds."""
        with self._lock:
            if not self._held:
                self._held = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        while not gate.acquire(timeout=patience):
            self._preempt()
            patience = SLICE

    def give(self) -> None:
        """Hand it to the next."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False
