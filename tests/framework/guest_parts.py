"""A guest thread without a virtual machine: real memory of this process, registers in a plain object."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass, field
from typing import Any, cast

from wirt.sentry.process import GuestOptions, Process
from wirt.sentry.table import Call
from wirt.sentry.task import Task

__all__ = ["Cpu", "Memory", "Registers", "call", "clean_state", "guest_task"]


@dataclass
class Registers:
    """The fields of ``UserRegisters``."""

    rax: int = 0
    rbx: int = 0
    rcx: int = 0
    rdx: int = 0
    rsi: int = 0
    rdi: int = 0
    rbp: int = 0
    rsp: int = 0
    r8: int = 0
    r9: int = 0
    r10: int = 0
    r11: int = 0
    r12: int = 0
    r13: int = 0
    r14: int = 0
    r15: int = 0
    rip: int = 0
    rflags: int = 0x202
    fs_base: int = 0
    gs_base: int = 0


@dataclass
class Features:
    xfeatures: int = 7


def clean_state(size: int = 832) -> bytes:
    """XSAVE's initial state: FCW, MXCSR, and no component in use."""
    area = bytearray(size)
    struct.pack_into("<H", area, 0, 0x37F)
    struct.pack_into("<I", area, 24, 0x1F80)
    return bytes(area)


@dataclass
class Cpu:
    """A vCPU that holds what it is given."""

    state: Registers = field(default_factory=Registers)
    extended: bytes = field(default_factory=clean_state)
    features: Features = field(default_factory=Features)
    told: dict[str, int] = field(default_factory=dict)
    number: int = -1  # of a call that is being made: none is, handlers are called as they are
    args: tuple[int, ...] = ()

    def registers(self) -> Registers:
        return Registers(**vars(self.state))

    def resume(self, registers: Registers) -> None:
        self.state = registers

    def set_thread(self, **ids: int) -> None:
        self.told = ids

    def xsave(self) -> bytes:
        return self.extended

    def xrestore(self, state: bytes) -> None:
        if any(state[520:576]):
            raise ValueError("reserved bytes of the XSAVE header")
        self.extended = state


@dataclass
class Memory:
    """Guest memory from ``base``; everything else is EFAULT."""

    base: int = 0x10000
    data: bytearray = field(default_factory=lambda: bytearray(0x10000))

    def _check(self, va: int, size: int) -> int:
        if va < self.base or va + size > self.base + len(self.data):
            raise OSError(errno.EFAULT, "bad address")
        return va - self.base

    def read(self, va: int, size: int) -> bytes:
        at = self._check(va, size)
        return bytes(self.data[at : at + size])

    def write(self, va: int, data: bytes) -> None:
        at = self._check(va, len(data))
        self.data[at : at + len(data)] = data

    def host(self, va: int, size: int, write: bool = False) -> int:
        at = self._check(va, size)
        return ctypes.addressof((ctypes.c_char * len(self.data)).from_buffer(self.data)) + at

    def segments(self, va: int, size: int, write: bool = False) -> list[tuple[int, int]]:
        return [(self.host(va, size, write), size)]

    def string(self, va: int, limit: int = 4096) -> bytes:
        text, end, _ = self.read(va, min(limit, self.top - va)).partition(b"\0")
        if not end:
            raise OSError(errno.ENAMETOOLONG, "no end")
        return text

    def u32(self, va: int) -> int:
        return int.from_bytes(self.read(va, 4), "little")

    def u64(self, va: int) -> int:
        return int.from_bytes(self.read(va, 8), "little")

    def put_u32(self, va: int, value: int) -> None:
        self.write(va, (value & 0xFFFF_FFFF).to_bytes(4, "little"))

    def put_u64(self, va: int, value: int) -> None:
        self.write(va, (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))

    @property
    def top(self) -> int:
        return self.base + len(self.data)


def guest_task() -> Task:
    """A task of this process and thread; its stack pointer is near the end of its memory."""
    cpu, memory = Cpu(), Memory()
    cpu.state.rsp = memory.top - 0x100
    cpu.state.rip = 0x40_0002
    parts = cast(Any, (cpu, memory))
    options = GuestOptions(memory=1 << 30, machine_memory=1 << 30)
    process = Process(cast(Any, None), cast(Any, None), parts[1], options)
    process.clean_state = clean_state()
    process.pid = os.getpid()
    task = Task(process, parts[1], parts[0], os.getpid())
    process.tasks[task.tid] = task
    return task


def call(calls: tuple[Call, ...], name: str, task: Task, *words: int) -> int:
    """What the call of that name answers: a failure that a handler raises is -errno, as the run loop has it."""
    found = next(entry for entry in calls if entry.name == name)
    assert found.arity == len(words)
    try:
        result = found.handler(task, *(word & 0xFFFF_FFFF_FFFF_FFFF for word in words))
    except OSError as error:
        return -(error.errno or errno.EIO)
    assert result is not None
    return result
