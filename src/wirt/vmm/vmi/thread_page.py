"""The thread page: what a vCPU's system-call entry answers from."""

from __future__ import annotations

from dataclasses import dataclass

from wirt.vmm.vmi import abi

__all__ = ["ThreadPage"]

_FIRST_PROCESS = 1  # the guest's; who has it, or nobody, for a parent keeps it


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadPage:
    """Identity of one thread as getpid(2) and its like tell it.

    ``answers``: the entry may answer at all; without it every call reaches the monitor (``wirt trace``).
    ``place``: (CPU, NUMA node) for getcpu(2), when known. ``yields``: sched_yield(2) may return at once, as no other
    thread of the guest's can be waiting for this one to get out of the way. ``time``: where the time page is mapped.
    """

    pid: int
    tid: int
    ppid: int
    uid: int
    euid: int
    gid: int
    egid: int
    vcpu: int = 0
    place: tuple[int, int] | None = None
    answers: bool = True
    yields: bool = False
    time: int = 0

    def pack(self) -> bytes:
        """The VMI_THREAD_FORMAT.size bytes for offset VMI_THREAD of the entry page."""
        flags = abi.VMI_FLAG_ANSWER * self.answers | abi.VMI_FLAG_YIELD * self.yields
        flags |= abi.VMI_FLAG_PPID * (self.ppid <= _FIRST_PROCESS) | abi.VMI_FLAG_CPU * (self.place is not None)
        identity = (self.pid, self.tid, self.ppid, self.uid, self.euid, self.gid, self.egid)
        place = self.place or (0, 0)
        return abi.VMI_THREAD_FORMAT.pack(
            abi.VMI_MAGIC, abi.VMI_VERSION, flags, self.vcpu, *identity, *place, self.time
        )
