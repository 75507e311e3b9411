"""The first process of a guest, and every further one that the host starts in it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from wirt.host import _native
from wirt.sentry import complaints, lives, loop
from wirt.sentry import exec as execution
from wirt.sentry.clocks import clocks
from wirt.sentry.mm import AddressSpace
from wirt.sentry.process import GuestOptions, Process
from wirt.sentry.rlimits import begin_limits
from wirt.sentry.table import collect
from wirt.sentry.task import Task
from wirt.sentry.tracing import tracer  # noqa: F401 - answers to an order
from wirt.vmm.memory import GuestMemory
from wirt.vmm.platform import Machine, Platform

__all__ = ["dispatch", "first_task", "new_machine", "run"]


@functools.cache
def dispatch() -> dict[int, tuple[Any, int, Any]]:
    """Handler, arity and description of every call, by number; made once, before processes are forked and jailed."""
    clocks()
    return {number: (call.handler, call.arity, call) for number, call in collect().items()}


def new_machine(platform: Platform) -> tuple[GuestMemory, Machine]:
    """An empty machine, whose memory has no limit yet. ``OSError``."""
    memory = GuestMemory(sys.maxsize)
    return memory, platform.create(memory)


def run(
    platform: Platform,
    options: GuestOptions,
    argv: tuple[bytes, ...],
    environ: tuple[bytes, ...],
    ready: Callable[[], None] = lambda: None,
    farewell: Callable[[int], None] | None = None,
    made: tuple[GuestMemory, Machine] | None = None,
) -> NoReturn:
    """Become a guest process that runs ``argv[0]``, a path: the caller is in the jail, and has one thread.

    ``made``: memory and a machine of ``platform`` over it, if there was time to make them before.
    ``ready`` is called when the program is loaded. ``OSError`` as execve(2) has it when it cannot be.
    ``farewell``: see ``Process``.
    """
    made = made or new_machine(platform)
    program = execution.find(argv[0], argv, environ)
    task = first_task(platform, options, made)
    task.process.exec_request = program
    task.process.farewell = farewell
    lives.load_program(task)
    ready()
    lives.main_thread(task)


def first_task(platform: Platform, options: GuestOptions, made: tuple[GuestMemory, Machine]) -> Task:
    """This process, with its one thread, as a guest process without a program."""
    _native.own_signals()
    complaints.begin()
    memory, machine = made
    memory.limit = options.memory
    vcpu = machine.vcpu()
    process = Process(platform, machine, AddressSpace(memory), options, dispatch(), loop=loop.run)
    process.pid = os.getpid()
    process.clean_state = vcpu.xsave()
    begin_limits(process)
    task = Task(process, process.mm, vcpu, process.pid)
    process.tasks[task.tid] = task
    return task
