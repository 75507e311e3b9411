"""Calls of the virtual machine interface that Linux has none for (docs/vmi.md): memory, and the guest's end.

What the limit of memory is, the host may change while a guest runs: the order "memory".
"""

from __future__ import annotations

import dataclasses
import errno

from wirt.sentry import lives, orders, signals
from wirt.sentry.failures import fail
from wirt.sentry.mm import PAGE, USER_END, page_up
from wirt.sentry.proc_system import memory_available, memory_of_host, memory_used
from wirt.sentry.table import Call, Restart, Support
from wirt.sentry.task import Task
from wirt.vmm.layout import GuestPhys
from wirt.vmm.vmi import abi

__all__ = ["CALLS"]

_FIRST_PROCESS = 1


def version(_task: Task) -> int:
    """Here when the library may not answer."""
    return abi.VMI_VERSION


def time(task: Task) -> int:
    return task.process.time_page


def memory_info(task: Task, buffer: int, size: int) -> int:
    """struct vmi_memory, or as much of it as fits into ``size`` bytes."""
    limit, used = _limit(task), memory_used(task)
    available = min(max(limit - used, 0), memory_available())
    told = abi.VMI_MEMORY.pack(limit, used, available, 0, 0)[:size]
    task.mm.write(buffer, told)
    task.process.told_limit = limit
    return len(told)


def _limit(task: Task) -> int:
    return min(task.mm.memory.limit, task.process.options.machine_memory)


def _change_limit(task: Task, order: orders.Order) -> None:
    """``limit``: bytes, 0 or less for all that the host has. What is mapped already stays."""
    asked, most = order.arguments["limit"], memory_of_host()
    limit = min(asked, most) if asked > 0 else most
    process = task.process
    with process.lock:
        process.told_limit = process.told_limit or process.options.memory
        process.mm.memory.limit = limit
        process.options = dataclasses.replace(process.options, memory=limit, machine_memory=limit)
    order.done()


def memory_give(task: Task, address: int, length: int) -> int:
    """EINVAL unless all of it is private memory of no file, ENOMEM where nothing is mapped; then nothing is given."""
    size = page_up(length)
    if address % PAGE or address + size > USER_END or size < length:
        fail(errno.EINVAL)
    end = address + size
    with task.process.lock:
        vmas = task.mm.vmas.between(address, end)
        expected = address
        for vma in vmas:
            if vma.start > expected:
                fail(errno.ENOMEM)
            if vma.shared or vma.fd_backed:
                fail(errno.EINVAL)
            expected = vma.end
        if expected < end:
            fail(errno.ENOMEM)
        for vma in vmas:
            if vma.phys >= 0:
                start, stop = max(vma.start, address), min(vma.end, end)
                task.mm.memory.forget(GuestPhys(vma.phys + start - vma.start), stop - start)
    return 0


def memory_grow(task: Task, size: int) -> int:
    """The new limit, when it is ``size`` bytes above the one that the program knows of; ENOMEM otherwise.

    The host gives all that it may from the start, so there is more only after somebody has raised the guest's limit.
    """
    limit = _limit(task)
    if (task.process.told_limit or task.process.options.memory) + size > limit and size:
        fail(errno.ENOMEM)
    task.process.told_limit = limit
    return limit


def end(task: Task, status: int) -> int:
    """Through the guest's first process, of which all others are descendants or guests. EPERM as kill(2) has it."""
    status &= 0xFF
    if task.process.pid == _FIRST_PROCESS:
        lives.end_process(task, status)
    if task.process.options.proc_fd < 0:
        return -errno.EPERM  # in no pid namespace of its own: process 1 is the host's
    if (result := signals.end_guest(status)) == 0:
        lives.end_process(task, status)
    return result


orders.register("memory", _change_limit)

CALLS = (
    Call(abi.VMI_CALL_VERSION, "vmi_version", version, note="mostly answered in the guest"),
    Call(abi.VMI_CALL_TIME, "vmi_time", time, note="mostly answered in the guest"),
    Call(
        abi.VMI_CALL_MEMORY_INFO, "vmi_memory_info", memory_info, "out size", Support.PARTIAL,
        "pressure is 0: the monitor is not told",
    ),
    Call(abi.VMI_CALL_MEMORY_GIVE, "vmi_memory_give", memory_give, "ptr size"),
    Call(abi.VMI_CALL_MEMORY_GROW, "vmi_memory_grow", memory_grow, "size"),
    Call(abi.VMI_CALL_EXIT, "vmi_exit", end, "int", restart=Restart.NEVER),
)  # fmt: skip
