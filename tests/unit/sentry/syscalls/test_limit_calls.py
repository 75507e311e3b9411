"""Limits, usage, priorities and scheduling of a guest process."""

from __future__ import annotations

import errno
import os
import resource
import struct

import pytest

from framework.forked import forked
from framework.guest_parts import call, guest_task
from wirt.abi.linux.resource import RLIM_INFINITY, RLIMITS
from wirt.sentry.descriptors import FD_LIMIT
from wirt.sentry.syscalls import limits, scheduling
from wirt.sentry.task import Task

AT, THEN = 0x10000, 0x10400
OWN = ("data", "stack", "core", "rss", "nofile", "as")


def _ask(task: Task, name: str, *words: int) -> int:
    return call(limits.CALLS + scheduling.CALLS, name, task, *words)


def _set(task: Task, name: str, soft: int, hard: int) -> int:
    task.mm.write(AT, struct.pack("<QQ", soft, hard))
    return _ask(task, "prlimit64", 0, RLIMITS.index(name), AT, 0)


def _get(task: Task, name: str) -> tuple[int, int]:
    assert _ask(task, "getrlimit", RLIMITS.index(name), THEN) == 0
    soft, hard = struct.unpack("<QQ", task.mm.read(THEN, 16))
    return soft, hard


@pytest.mark.parametrize("name", OWN)
def test_limits_on_memory_and_descriptors_are_the_guests_alone(name: str) -> None:
    number = RLIMITS.index(name)
    hosts = resource.getrlimit(number)
    task = guest_task()
    hard = _get(task, name)[1]
    assert _set(task, name, 100, 200) == 0
    assert _get(task, name) == (100, 200)
    assert _set(task, name, 201, 200) == -errno.EINVAL
    assert _set(task, name, 100, 201) == -errno.EPERM
    assert hard == (FD_LIMIT if name == "nofile" else RLIM_INFINITY)
    assert resource.getrlimit(number) == hosts
    assert _ask(task, "prlimit64", 1, number, 0, THEN) == -errno.EPERM


def test_limit_of_the_stack_is_what_the_next_program_gets() -> None:
    task = guest_task()
    assert _get(task, "stack") == (8 << 20, RLIM_INFINITY)
    task.mm.write(AT, struct.pack("<QQ", 1 << 20, RLIM_INFINITY))
    assert _ask(task, "setrlimit", RLIMITS.index("stack"), AT) == 0
    assert task.process.stack_size == 1 << 20


def test_other_limits_are_the_hosts() -> None:
    def body() -> None:
        task = guest_task()
        assert _set(task, "fsize", 1 << 20, 1 << 30) == 0
        assert _get(task, "fsize") == (1 << 20, 1 << 30)
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 1 << 20
        assert _set(task, "fsize", 2 << 30, 1 << 30) == -errno.EINVAL

    forked(body)


def test_limits_are_refused_as_linux_does() -> None:
    task = guest_task()
    assert _ask(task, "getrlimit", len(RLIMITS), AT) == -errno.EINVAL
    assert _ask(task, "getrlimit", -1, AT) == -errno.EINVAL
    assert _ask(task, "getrlimit", 0, 8) == -errno.EFAULT
    assert _ask(task, "setrlimit", 0, 8) == -errno.EFAULT
    assert _ask(task, "prlimit64", 1 << 30, 0, 0, AT) == -errno.ESRCH


def test_usage_and_priority_are_the_hosts() -> None:
    task = guest_task()
    assert _ask(task, "getrusage", 0, AT) == 0
    assert task.mm.u64(AT) + task.mm.u64(AT + 8) / 1e6 <= resource.getrusage(resource.RUSAGE_SELF).ru_utime
    assert _ask(task, "getrusage", 5, AT) == -errno.EINVAL
    assert _ask(task, "getrusage", 0, 8) == -errno.EFAULT
    assert _ask(task, "getpriority", 0, 0) == 20 - os.getpriority(os.PRIO_PROCESS, 0)
    assert _ask(task, "getpriority", 9, 0) == -errno.EINVAL
    assert _ask(task, "ioprio_get", 1, 0) >= 0


# -- scheduling ----------------------------------------------------------------------------------------


def test_affinity_is_the_hosts() -> None:
    task = guest_task()
    size = _ask(task, "sched_getaffinity", 0, 128, AT)
    assert size % 8 == 0
    mask = int.from_bytes(task.mm.read(AT, size), "little")
    assert {cpu for cpu in range(8 * size) if mask >> cpu & 1} == os.sched_getaffinity(0)
    assert _ask(task, "sched_setaffinity", 0, size, AT) == 0
    assert _ask(task, "sched_setaffinity", 0, size, 8) == -errno.EFAULT
    assert _ask(task, "sched_getaffinity", 0, 12, AT) == -errno.EINVAL
    assert _ask(task, "sched_getaffinity", 0, 0, AT) == -errno.EINVAL
    task.mm.write(AT, bytes(128))
    assert _ask(task, "sched_setaffinity", 0, 128, AT) == -errno.EINVAL  # on no processor at all
    assert _ask(task, "sched_getaffinity", 0, 1 << 20, AT) == size


def test_policies_and_priorities() -> None:
    task = guest_task()
    assert _ask(task, "sched_yield") == 0
    assert _ask(task, "sched_getscheduler", 0) == os.sched_getscheduler(0)
    assert _ask(task, "sched_get_priority_max", os.SCHED_FIFO) == 99
    assert _ask(task, "sched_get_priority_min", os.SCHED_FIFO) == 1
    assert _ask(task, "sched_getparam", 0, AT) == 0
    assert task.mm.u32(AT) == 0
    assert _ask(task, "sched_setparam", 0, AT) == 0
    assert _ask(task, "sched_setscheduler", 0, os.SCHED_OTHER, AT) == 0
    for name, words in (("sched_getparam", (0, 0)), ("sched_setparam", (0, 0)), ("sched_setscheduler", (0, 0, 0))):
        assert _ask(task, name, *words) == -errno.EINVAL
    assert _ask(task, "sched_rr_get_interval", 0, AT) == 0
    assert _ask(task, "sched_rr_get_interval", -1, AT) == -errno.EINVAL


def test_attributes_go_both_ways() -> None:
    task = guest_task()
    assert _ask(task, "sched_getattr", 0, AT, 48, 0) == 0
    assert task.mm.u32(AT) == 48
    assert _ask(task, "sched_setattr", 0, AT, 0) == 0
    assert _ask(task, "sched_getattr", 0, AT, 47, 0) == -errno.EINVAL
    assert _ask(task, "sched_getattr", 0, 0, 48, 0) == -errno.EINVAL
    task.mm.put_u32(AT, 40)
    assert _ask(task, "sched_setattr", 0, AT, 0) == -errno.E2BIG
    assert task.mm.u32(AT) >= 48  # the size that the kernel knows
    task.mm.put_u32(AT, 5000)
    assert _ask(task, "sched_setattr", 0, AT, 0) == -errno.E2BIG


def test_getcpu_names_a_processor() -> None:
    task = guest_task()
    assert _ask(task, "getcpu", AT, THEN) == 0
    assert task.mm.u32(AT) < (os.cpu_count() or 1)
    assert _ask(task, "getcpu", 0, 0) == 0


def test_calls_that_programs_do_without_are_said_to_be_missing() -> None:
    task = guest_task()
    for entry in scheduling.CALLS:
        if entry.note.startswith("ENOSYS"):
            assert _ask(task, entry.name) == -errno.ENOSYS
