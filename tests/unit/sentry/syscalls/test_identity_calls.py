"""Who a guest process is: what the host says of it."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from framework.forked import forked
from framework.guest_parts import Cpu, call, guest_task
from wirt.sentry.syscalls.identity import CALLS
from wirt.sentry.task import Task

AT, THEN = 0x10000, 0x10100


def _ask(task: Task, name: str, *words: int) -> int:
    return call(CALLS, name, task, *words)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("getpid", os.getpid),
        ("gettid", os.getpid),
        ("getppid", os.getppid),
        ("getuid", os.getuid),
        ("geteuid", os.geteuid),
        ("getgid", os.getgid),
        ("getegid", os.getegid),
        ("getpgrp", os.getpgrp),
    ],
)
def test_ids_are_the_hosts(name: str, expected: object) -> None:
    assert callable(expected)
    assert _ask(guest_task(), name) == expected()


def test_groups_sessions_and_process_groups() -> None:
    task = guest_task()
    assert _ask(task, "getsid", 0) == os.getsid(0)
    assert _ask(task, "getpgid", 0) == os.getpgid(0)
    assert _ask(task, "getpgid", 1 << 30) == -errno.ESRCH
    assert _ask(task, "setpgid", 0, -1) == -errno.EINVAL
    assert _ask(task, "getgroups", 0, 0) == len(os.getgroups())
    count = _ask(task, "getgroups", 1000, AT)
    assert list(struct.unpack(f"<{count}I", task.mm.read(AT, 4 * count))) == os.getgroups()
    assert _ask(task, "getgroups", -1, AT) == -errno.EINVAL
    assert _ask(task, "setgroups", 65537, AT) == -errno.EINVAL
    assert _ask(task, "setgroups", 2, 8) == -errno.EFAULT


def test_three_ids_at_once() -> None:
    task = guest_task()
    assert _ask(task, "getresuid", AT, AT + 4, AT + 8) == 0
    assert struct.unpack("<3I", task.mm.read(AT, 12)) == os.getresuid()
    assert _ask(task, "getresgid", AT, AT + 4, 8) == -errno.EFAULT


@pytest.mark.root
def test_change_of_ids_is_told_to_the_vcpu() -> None:
    def body() -> None:
        task = guest_task()
        cpu = task.vcpu
        assert isinstance(cpu, Cpu)
        task.mm.write(AT, struct.pack("<2I", 5, 6))
        assert _ask(task, "setgroups", 2, AT) == 0
        assert os.getgroups() == [5, 6]
        assert _ask(task, "setresgid", 7, 8, -1) == 0
        assert _ask(task, "setuid", 1000) == 0
        told = cpu.told
        assert (told["uid"], told["euid"], told["gid"], told["egid"]) == (1000, 1000, 7, 8)
        assert _ask(task, "setuid", 0) == -errno.EPERM

    forked(body)


def test_capabilities_are_what_is_left_in_the_jail() -> None:
    task = guest_task()
    task.mm.write(AT, struct.pack("<II", 0x20080522, 0))
    assert _ask(task, "capget", AT, THEN) == 0
    with open("/proc/self/status", encoding="ascii") as status:
        effective = int(next(line for line in status if line.startswith("CapEff")).split()[1], 16)
    low, _, _, high, _, _ = struct.unpack("<6I", task.mm.read(THEN, 24))
    assert low | high << 32 == effective
    task.mm.write(AT, struct.pack("<II", 1, 0))
    assert _ask(task, "capget", AT, 0) == 0  # only asks which version the kernel wants
    assert task.mm.u32(AT) == 0x20080522
    task.mm.write(AT, struct.pack("<II", 1, 0))
    assert _ask(task, "capset", AT, THEN) == -errno.EINVAL
    assert _ask(task, "capget", 8, THEN) == -errno.EFAULT


def test_uname_names_the_hosts_kernel() -> None:
    task = guest_task()
    assert _ask(task, "uname", AT) == 0
    names = [task.mm.read(AT + 65 * index, 65).split(b"\0")[0].decode() for index in range(5)]
    assert names == list(os.uname())
    assert _ask(task, "uname", 8) == -errno.EFAULT


def test_personality_is_remembered() -> None:
    task = guest_task()
    assert _ask(task, "personality", 0x0040000) == 0
    assert _ask(task, "personality", 0xFFFF_FFFF) == 0x0040000
    assert _ask(task, "personality", 8) == -errno.EINVAL  # PER_LINUX32
    assert _ask(task, "personality", -1) == 0x0040000


def test_umask_is_the_process_own() -> None:
    def body() -> None:
        task = guest_task()
        os.umask(0o27)
        assert _ask(task, "umask", 0o77) == 0o27
        assert os.umask(0) == 0o77

    forked(body)
