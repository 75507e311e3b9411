"""What a guest process tells all others of itself: command line, environment, program.

Command line and environment are kept where Linux keeps them, in the host kernel's own record of the process (prctl(2),
PR_SET_MM_MAP): ranges of memory, which point at the guest's stack. So a program that rewrites its argv (setproctitle)
changes what ps shows, in the guest and on the host; a fork inherits it, and with the process it is gone.

The path of its program is a symbolic link named after the process in ``GuestOptions.records_fd``, written when a
process is born and when it executes; so that of a process that is there is never another's, however often numbers come
around.
"""

from __future__ import annotations

import contextlib
import os
import struct

from wirt.abi.linux.prctl import PR_SET_MM, PR_SET_MM_MAP
from wirt.abi.linux.unistd import SYS_brk, SYS_prctl
from wirt.host import _native
from wirt.sentry.process import GuestOptions, Process

__all__ = ["exe_of", "publish", "record_exe"]

# struct prctl_mm_map: start_code end_code start_data end_data start_brk brk start_stack arg_start arg_end env_start
# env_end auxv, auxv_size, exe_fd
_MAP = struct.Struct("<12QII")
_NO_FD = 0xFFFF_FFFF
_FIELDS = (26, 27, 45, 46, 47, 28)  # proc_pid_stat(5): startcode endcode start_data end_data start_brk startstack


def publish(process: Process) -> None:
    """Called when a program was loaded and its stack is filled; the process has one thread.

    What cannot be said (no procfs, a kernel without CONFIG_CHECKPOINT_RESTORE) others do not see; it harms nothing.
    """
    record_exe(process)
    with contextlib.suppress(OSError):
        fields = _stat(process.options, "self")
        start_code, end_code, start_data, end_data, start_brk, stack = (fields[number - 3] for number in _FIELDS)
        memory = (start_code, end_code, start_data, end_data, start_brk, _native.quick(SYS_brk, 0), stack)
        spans = (_range(process, *span) for span in (process.mm.arguments, process.mm.environment))
        record = _MAP.pack(*memory, *(end for span in spans for end in span), 0, 0, _NO_FD)
        _native.quick(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, record, len(record), 0)


def record_exe(process: Process) -> None:
    """Called at birth and at execve."""
    folder, name = process.options.records_fd, str(os.getpid())
    if folder < 0 or not process.exe:
        return
    with contextlib.suppress(OSError):
        try:
            os.symlink(process.exe, name, dir_fd=folder)
        except FileExistsError:
            os.unlink(name, dir_fd=folder)
            os.symlink(process.exe, name, dir_fd=folder)


def exe_of(options: GuestOptions, pid: int) -> bytes:
    """The path of a process's program; b"" when it never said.

    A process that has not said anything yet is being born, and is what its parent is.
    """
    with contextlib.suppress(OSError):
        while options.records_fd >= 0 and pid:
            with contextlib.suppress(FileNotFoundError):
                return os.fsencode(os.readlink(str(pid), dir_fd=options.records_fd))
            pid = _stat(options, str(pid))[1]
    return b""


def _stat(options: GuestOptions, pid: str) -> list[int]:
    """proc_pid_stat(5) from the third field on, whose place (a letter) a 0 takes."""
    fd = os.open(f"{pid}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=options.proc_fd)
    try:
        text = os.read(fd, 4096)
    finally:
        os.close(fd)
    return [0, *(int(word) for word in text.rpartition(b")")[2].split()[1:])]


def _range(process: Process, start: int, end: int) -> tuple[int, int]:
    """A range of the guest's stack as the host's addresses."""
    host = process.mm.host(start, end - start)
    return host, host + end - start
