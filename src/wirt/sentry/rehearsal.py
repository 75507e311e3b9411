"""A rehearsal: a monitor that waits for its guest does what a guest does first, and forgets it.

Whatever is done for the first time in a process is slow: memory that a fork shares is copied when it is first written
to, which for Python's objects means used. A monitor that waits has time for that: it loads a program, and answers the
calls that a dynamic program begins with, on nothing but itself and this file. The machine does not run meanwhile, and
is empty afterwards: with a VM's first run KVM begins a thread of the process (Linux 6.12), and who has threads enters
no user namespace.
"""

from __future__ import annotations

import contextlib
import os

from wirt.abi import elf
from wirt.abi.linux import unistd
from wirt.host.process import set_name
from wirt.sentry import exec as execution
from wirt.sentry import lives
from wirt.sentry.guest import dispatch
from wirt.sentry.mm import PAGE, AddressSpace
from wirt.sentry.process import GuestOptions, Process
from wirt.sentry.task import Task
from wirt.vmm.memory import GuestMemory
from wirt.vmm.platform import Machine, Platform
from wirt.vmm.vmi.time_page import TimePage

__all__ = ["program", "rehearse"]

_MEMORY = 64 << 20
_CODE, _DATA = 0x40_0000, 0x60_0000  # where the program's two segments are
_PATH, _BUFFER, _MISSING = _DATA + 0x100, _DATA + PAGE, _DATA + 0x1100  # what calls are given; of the data's pages
_AT_FDCWD, _AT_EMPTY_PATH = (1 << 64) - 100, 0x1000
_FILE = -1  # stands for what it has opened
_NO_FILE = (1 << 64) - 1
_READ, _WRITE, _PRIVATE, _FIXED, _ANONYMOUS = 1, 2, 2, 0x10, 0x20
_SPACE = 0x1_0000_0000  # addresses it maps things at
_ARCH_SET_FS = 0x1002

# What the dynamic linker and the C library of a new program do, more or less in their order: number, arguments.
_CALLS: tuple[tuple[int, ...], ...] = (
    (unistd.SYS_brk, 0),
    (unistd.SYS_mmap, 0, 2 * PAGE, _READ | _WRITE, _PRIVATE | _ANONYMOUS, _NO_FILE, 0),
    (unistd.SYS_access, _MISSING, 4),
    (unistd.SYS_openat, _AT_FDCWD, _PATH, os.O_RDONLY | os.O_CLOEXEC, 0),
    (unistd.SYS_newfstatat, _FILE, _MISSING, _BUFFER, _AT_EMPTY_PATH),
    (unistd.SYS_mmap, _SPACE, 4 * PAGE, _READ, _PRIVATE | _FIXED, _FILE, 0),
    (unistd.SYS_mmap, _SPACE + PAGE, PAGE, _READ | _WRITE, _PRIVATE | _FIXED, _FILE, 0),
    (unistd.SYS_mmap, _SPACE + 2 * PAGE, PAGE, _READ | _WRITE, _PRIVATE | _ANONYMOUS | _FIXED, _NO_FILE, 0),
    (unistd.SYS_read, _FILE, _BUFFER, 832),
    (unistd.SYS_pread64, _FILE, _BUFFER, 784, 64),
    (unistd.SYS_close, _FILE),
    (unistd.SYS_arch_prctl, _ARCH_SET_FS, _BUFFER),
    (unistd.SYS_set_tid_address, _BUFFER),
    (unistd.SYS_set_robust_list, 0, 24),
    (unistd.SYS_mprotect, _SPACE + PAGE, PAGE, _READ),
    (unistd.SYS_prlimit64, 0, 3, 0, _BUFFER),
    (unistd.SYS_getrandom, _BUFFER, 8, 1),
    (unistd.SYS_ioctl, 1, 0x5401, _BUFFER),  # TCGETS
    (unistd.SYS_write, 1, _BUFFER, 0),  # nothing
    (unistd.SYS_munmap, _SPACE, 4 * PAGE),
)


def rehearse(platform: Platform, made: tuple[GuestMemory, Machine], proc_fd: int) -> None:
    """``made``: an empty machine of ``platform`` in this process, which it is again afterwards. ``OSError``.

    ``proc_fd``: a procfs, as ``GuestOptions`` has it. The caller has one thread, and no guest yet.
    """
    memory, machine = made
    limit, memory.limit = memory.limit, _MEMORY
    vcpu = machine.vcpu()
    try:
        options = GuestOptions(memory=_MEMORY, machine_memory=_MEMORY, proc_fd=proc_fd)
        process = Process(platform, machine, AddressSpace(memory), options, dispatch(), clocks=TimePage())
        process.pid, process.clean_state = os.getpid(), vcpu.xsave()
        _play(Task(process, process.mm, vcpu, process.pid))
        process.mm.clear()
    finally:
        vcpu.close()
        memory.limit = limit


def _play(task: Task) -> None:
    fd = os.memfd_create("rehearsal", os.MFD_CLOEXEC)
    try:
        os.write(fd, program(__file__))
        task.process.exec_request = execution.find(f"/proc/self/fd/{fd}".encode(), (b"rehearsal",), (b"HOME=/",))
    finally:
        os.close(fd)
    lives.load_program(task)
    opened = _NO_FILE
    for number, *words in _CALLS:
        handler, arity, _ = task.process.calls[number]
        with contextlib.suppress(OSError):  # as the first program may find it
            result = handler(task, *(opened if word == _FILE else word for word in words[:arity]))
            opened = result if number == unistd.SYS_openat else opened
    set_name("wirt-monitor")


def program(path: str) -> bytes:
    """An ELF file with a segment of code, though nothing is in it, and one of data, in which ``path`` stands."""
    ident = elf.ELF_MAGIC + bytes((elf.ELFCLASS64, elf.ELFDATA2LSB, 1)) + bytes(9)
    sizes = (elf.Elf64_Ehdr.size, elf.Elf64_Phdr.size, 2, 0, 0, 0)
    head = elf.Elf64_Ehdr.pack(ident, elf.ET_EXEC, elf.EM_X86_64, 1, _CODE, elf.Elf64_Ehdr.size, 0, 0, *sizes)
    text = _segment(elf.PF_R | elf.PF_X, 0, _CODE, PAGE)
    data = _segment(elf.PF_R | elf.PF_W, PAGE, _DATA, PAGE // 2)
    return (head + text + data).ljust(PAGE, b"\0") + (bytes(_PATH - _DATA) + os.fsencode(path)).ljust(PAGE // 2, b"\0")


def _segment(flags: int, offset: int, va: int, size: int) -> bytes:
    return elf.Elf64_Phdr.pack(elf.PT_LOAD, flags, offset, va, va, size, 2 * PAGE, PAGE)
