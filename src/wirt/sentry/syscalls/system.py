"""The machine as a whole, and what a guest may not do to it."""

from __future__ import annotations

import errno
import struct

from wirt.abi.linux.unistd import SYS_getrandom, SYS_sysinfo
from wirt.host import _native
from wirt.sentry.answers import refused
from wirt.sentry.failures import fail
from wirt.sentry.proc_nodes import host_names
from wirt.sentry.table import Call, Restart, Support
from wirt.sentry.task import Task
from wirt.sentry.words import u32

__all__ = ["CALLS"]

# struct sysinfo: uptime; loads; totalram, freeram, sharedram, bufferram, totalswap, freeswap; procs; totalhigh,
# freehigh; mem_unit
_SYSINFO = struct.Struct("<Q3Q6QH6xQQI4x")
_GRND_ALL = 7
_MOST_RANDOM = 0x7FFF_F000


def sysinfo(task: Task, address: int) -> int:
    raw = bytearray(_SYSINFO.size)
    result = _native.quick(SYS_sysinfo, raw)
    if result < 0:
        return result
    uptime, *rest = _SYSINFO.unpack(raw)
    loads, free, unit = rest[:3], rest[4], rest[-1]
    options = task.process.options
    total = options.machine_memory
    memory = (total, min(free * unit, total), 0, 0, 0, 0)
    task.mm.write(address, _SYSINFO.pack(uptime, *loads, *memory, _processes(task), 0, 0, 1))
    return 0


def _processes(task: Task) -> int:
    if task.process.options.proc_fd < 0:
        return 1
    return min(sum(name.isdigit() for name in host_names(task, b".")), 0xFFFF)


def getrandom(task: Task, address: int, size: int, flags: int) -> int:
    """Straight into the guest's memory; a signal may cut a long answer short."""
    flags = u32(flags)
    if flags & ~_GRND_ALL or flags & 6 == 6:
        fail(errno.EINVAL)
    size = min(size, _MOST_RANDOM)
    done = 0
    for host, length in task.mm.segments(address, size, True):
        result = task.wait(SYS_getrandom, host, length, flags)
        if result < 0:
            return done or result
        done += result
        if result < length:
            break
    return done


CALLS = (
    Call(99, "sysinfo", sysinfo, "ptr", Support.PARTIAL, "memory is the guest's, load and uptime are the host's"),
    Call(318, "getrandom", getrandom, "ptr size int", restart=Restart.SYS),
    *refused(
        errno.EPERM,
        "EPERM: the host's",
        (103, "syslog"),
        (163, "acct"),
        (167, "swapon"),
        (168, "swapoff"),
        (169, "reboot"),
        (172, "iopl"),
        (173, "ioperm"),
        (175, "init_module"),
        (176, "delete_module"),
        (179, "quotactl"),
        (246, "kexec_load"),
        (304, "open_by_handle_at"),
        (313, "finit_module"),
        (320, "kexec_file_load"),
        (443, "quotactl_fd"),
    ),
    *refused(
        errno.EPERM,
        "EPERM: what the guest is was decided when it was made",
        (153, "vhangup"),
        (155, "pivot_root"),
        (165, "mount"),
        (166, "umount2"),
        (170, "sethostname"),
        (171, "setdomainname"),
        (272, "unshare"),
        (308, "setns"),
        (428, "open_tree"),
        (429, "move_mount"),
        (430, "fsopen"),
        (431, "fsconfig"),
        (432, "fsmount"),
        (433, "fspick"),
        (442, "mount_setattr"),
    ),
    *refused(
        errno.EPERM,
        "EPERM: a guest process is a host process of the monitor, and nobody looks into it",
        (101, "ptrace"),
        (298, "perf_event_open"),
        (300, "fanotify_init"),
        (312, "kcmp"),
        (321, "bpf"),
        (323, "userfaultfd"),
        (440, "process_madvise"),
        (448, "process_mrelease"),
    ),
    *refused(errno.EINVAL, "EINVAL: the guest is behind wirt's own filter", (317, "seccomp")),
    *refused(errno.EBADF, "EBADF: there is no fanotify_init", (301, "fanotify_mark")),
    *refused(
        errno.ENOSYS,
        "ENOSYS: programs do without",
        (134, "uselib"),
        (136, "ustat"),
        (139, "sysfs"),
        (154, "modify_ldt"),
        (156, "_sysctl"),
        (205, "set_thread_area"),
        (206, "io_setup"),
        (207, "io_destroy"),
        (208, "io_getevents"),
        (209, "io_submit"),
        (210, "io_cancel"),
        (211, "get_thread_area"),
        (248, "add_key"),
        (249, "request_key"),
        (250, "keyctl"),
        (333, "io_pgetevents"),
        (425, "io_uring_setup"),
        (426, "io_uring_enter"),
        (427, "io_uring_register"),
        (444, "landlock_create_ruleset"),
        (445, "landlock_add_rule"),
        (446, "landlock_restrict_self"),
        (447, "memfd_secret"),
    ),
)
