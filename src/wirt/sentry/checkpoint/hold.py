"""The threads of a process stand still, each between two instructions of its program."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from wirt.sentry.lives import thread_name
from wirt.sentry.process import Process
from wirt.sentry.task import Task
from wirt.vmm.platform import UserRegisters

__all__ = ["Hold", "Standing"]

_ROUND = 0.01  # seconds between two kicks: one that came too early is forgotten


@dataclass(frozen=True, slots=True)
class Standing:
    """A thread that stands still. ``name``: as comm has it."""

    task: Task
    registers: UserRegisters
    state: bytes
    name: bytes


class Hold:
    """Set as ``Process.hold`` by one thread, the leader, while the others ``park``."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._arrived: dict[int, Standing] = {}
        self._news = threading.Event()
        self._over = threading.Event()

    def park(self, task: Task) -> None:
        """A thread that is not the leader: stand still until the hold is over."""
        self._stand(task)
        self._news.set()
        self._over.wait()

    def gather(self, leader: Task, patience: float) -> list[Standing]:
        """Wait until all stand still, and say how. TimeoutError names one that does not within ``patience`` seconds."""
        deadline = time.monotonic() + patience
        self._stand(leader)
        while missing := [task for task in list(self._process.tasks.values()) if task.tid not in self._arrived]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"thread {missing[0].tid} is in a call that cannot be interrupted")
            for task in missing:
                task.vcpu.kick()
            self._news.wait(_ROUND)
            self._news.clear()
        return [self._arrived[tid] for tid in sorted(self._process.tasks)]

    def end(self) -> None:
        """All go on."""
        self._process.hold = None
        self._over.set()

    def _stand(self, task: Task) -> None:
        self._arrived[task.tid] = Standing(task, task.vcpu.registers(), task.vcpu.xsave(), thread_name())
