"""The address map of a micro guest: the one place that names addresses. x86-64, four levels of page tables.

Guest-virtual, two halves: the program's, 0 to ``USER_END``, and the supervisor window at ``SUPERVISOR``, which holds
what the processor and the function library need. Guest-physical: the supervisor region at 0, the program's memory at
``ARENA``. The host sees all of it in one reservation: host address = its base + guest-physical address
(``GuestMemory.host``).
"""

from __future__ import annotations

from typing import NewType

__all__ = [
    "ARENA",
    "ENTRY",
    "GDT",
    "IDT",
    "LARGE",
    "MAX_VCPUS",
    "NO_ADDRESS",
    "PAGE",
    "PML4",
    "STUBS",
    "SUPERVISOR",
    "SUPERVISOR_FIXED",
    "SUPERVISOR_SIZE",
    "TSS",
    "USER_END",
    "VCPUS",
    "VCPU_SIZE",
    "GuestPhys",
    "GuestVirt",
    "HostAddr",
]

GuestVirt = NewType("GuestVirt", int)
GuestPhys = NewType("GuestPhys", int)
HostAddr = NewType("HostAddr", int)

PAGE = 4096
LARGE = 2 << 20

# Guest-virtual
USER_END = 0x7FFF_FFFF_F000  # the last page is never mapped: `sysretq` must not meet a non-canonical address
NO_ADDRESS = USER_END  # canonical and never mapped: where a program goes that asks for what is not canonical
SUPERVISOR = 0xFFFF_FFFF_8000_0000

# Guest-physical. The supervisor region begins with fixed pages, which the window shows at the same distance from
# SUPERVISOR; pages of page tables and vCPUs follow as they are needed. Nothing lies between 1 GiB and 4 GiB: KVM keeps
# pages for Intel's processors just below 4 GiB.
SUPERVISOR_SIZE = 1 << 30
PML4, GDT, IDT, STUBS = 0x1000, 0x2000, 0x3000, 0x4000
SUPERVISOR_FIXED = 0x5000
ARENA = 4 << 30

# In the window: two pages a vCPU, the supervisor's own (task state segment, and the stack that exceptions use, which
# grows down from its end) and the entry page, which belongs to the function library.
VCPUS = 0x10_0000
VCPU_SIZE = 2 * PAGE
TSS, ENTRY = 0, PAGE
MAX_VCPUS = 4096
