"""Descriptors that report events: eventfd, timerfd, signalfd, inotify, pidfd; files without a name.

All are the host kernel's own. A signal for the guest is queued by the host kernel and blocked in the monitor, so a
signalfd reads the very queue that it would read on Linux.
"""

from __future__ import annotations

import errno

from wirt.abi.linux import unistd as nr
from wirt.host import _native
from wirt.sentry import namei
from wirt.sentry.buffers import granted, output, path
from wirt.sentry.descriptors import FD_LIMIT, descriptor
from wirt.sentry.failures import fail
from wirt.sentry.table import Call, Support
from wirt.sentry.task import Task
from wirt.sentry.words import s32, u32

__all__ = ["CALLS"]

_SIGSET_SIZE = 8
_ITIMERSPEC_SIZE = 32
_SIGINFO_SIZE = 128
_OWN_SIGNAL = 64  # the monitor's, see the platform's kick
_IN_DONT_FOLLOW = 0x0200_0000
_MEMFD_NAME = 249
_MFD_CLOEXEC, _MFD_ALLOW_SEALING, _MFD_NOEXEC_SEAL, _MFD_EXEC = 1, 2, 8, 16


def eventfd(task: Task, value: int) -> int:
    return eventfd2(task, value, 0)


def eventfd2(task: Task, value: int, flags: int) -> int:
    return granted(task, _native.quick(nr.SYS_eventfd2, u32(value), u32(flags)))


def timerfd_create(task: Task, clock: int, flags: int) -> int:
    return granted(task, _native.quick(nr.SYS_timerfd_create, s32(clock), u32(flags)))


def timerfd_settime(task: Task, fd: int, flags: int, new: int, old: int) -> int:
    wanted = task.mm.read(new, _ITIMERSPEC_SIZE)
    if old:
        output(task.mm, old, _ITIMERSPEC_SIZE)
    before = bytearray(_ITIMERSPEC_SIZE)
    result = _native.quick(nr.SYS_timerfd_settime, descriptor(fd), u32(flags), wanted, before)
    if result >= 0 and old:
        task.mm.write(old, before)
    return result


def timerfd_gettime(task: Task, fd: int, current: int) -> int:
    now = bytearray(_ITIMERSPEC_SIZE)
    result = _native.quick(nr.SYS_timerfd_gettime, descriptor(fd), now)
    if result >= 0:
        task.mm.write(current, now)
    return result


def signalfd(task: Task, fd: int, mask: int, size: int) -> int:
    return signalfd4(task, fd, mask, size, 0)


def signalfd4(task: Task, fd: int, mask: int, size: int, flags: int) -> int:
    if size != _SIGSET_SIZE:
        fail(errno.EINVAL)
    wanted = task.mm.read(mask, size)
    existing = s32(fd)
    if existing != -1:
        return _native.quick(nr.SYS_signalfd4, descriptor(fd), wanted, size, u32(flags))
    return granted(task, _native.quick(nr.SYS_signalfd4, existing, wanted, size, u32(flags)))


def inotify_init(task: Task) -> int:
    return inotify_init1(task, 0)


def inotify_init1(task: Task, flags: int) -> int:
    return granted(task, _native.quick(nr.SYS_inotify_init1, u32(flags)))


def inotify_add_watch(task: Task, fd: int, name: int, mask: int) -> int:
    """/proc and /sys have files that never tell of a change: EACCES, as for a file that may not be read."""
    fd, mask = descriptor(fd), u32(mask)
    return namei.by_path(
        task,
        path(task, name),
        lambda where: _native.call(nr.SYS_inotify_add_watch, fd, where, mask),
        lambda _place: -errno.EACCES,
        namei.refuse(errno.EACCES),
        follow=not mask & _IN_DONT_FOLLOW,
    )


def inotify_rm_watch(task: Task, fd: int, watch: int) -> int:
    return _native.call(nr.SYS_inotify_rm_watch, descriptor(fd), s32(watch))


def memfd_create(task: Task, name: int, flags: int) -> int:
    """No huge pages: a file's pages must fit where guest memory is."""
    flags = u32(flags)
    if flags & ~(_MFD_CLOEXEC | _MFD_ALLOW_SEALING | _MFD_NOEXEC_SEAL | _MFD_EXEC):
        fail(errno.EINVAL)
    try:
        text = task.mm.string(name, _MEMFD_NAME + 1)
    except OSError as error:
        fail(errno.EINVAL if error.errno == errno.ENAMETOOLONG else errno.EFAULT)
    return granted(task, _native.call(nr.SYS_memfd_create, text, flags))


def pidfd_open(task: Task, pid: int, flags: int) -> int:
    return granted(task, _native.quick(nr.SYS_pidfd_open, s32(pid), u32(flags)))


def pidfd_send_signal(task: Task, fd: int, number: int, info: int, flags: int) -> int:
    number = s32(number)
    if number == _OWN_SIGNAL:
        fail(errno.EINVAL)
    details = task.mm.read(info, _SIGINFO_SIZE) if info else 0
    fd = descriptor(fd)
    if fd not in task.process.special:
        return _native.call(nr.SYS_pidfd_send_signal, fd, number, details, u32(flags))
    with task.process.lock:  # a fork in between would give the descriptor to the child
        pidfd = _native.quick(nr.SYS_pidfd_open, _process_of(task, fd), 0)
        if pidfd < 0:
            return pidfd
        try:
            return _native.quick(nr.SYS_pidfd_send_signal, pidfd, number, details, u32(flags))
        finally:
            _native.quick(nr.SYS_close, pidfd)


def _process_of(task: Task, fd: int) -> int:
    """The process whose folder in /proc is open there, which is as good as a pidfd. EBADF for all other folders."""
    parts = task.process.special[fd].path.split(b"/")
    if len(parts) != 3 or parts[1] != b"proc" or not parts[2].isdigit():
        fail(errno.EBADF)
    return int(parts[2])


def pidfd_getfd(task: Task, fd: int, target: int, flags: int) -> int:
    """Another guest process's descriptor, never its monitor's."""
    if u32(flags):
        fail(errno.EINVAL)
    if u32(target) >= FD_LIMIT:
        fail(errno.EBADF)
    return granted(task, _native.call(nr.SYS_pidfd_getfd, descriptor(fd), u32(target), 0))


CALLS = (
    Call(253, "inotify_init", inotify_init),
    Call(254, "inotify_add_watch", inotify_add_watch, "fd path int", note="not in /proc and /sys"),
    Call(255, "inotify_rm_watch", inotify_rm_watch, "fd int"),
    Call(282, "signalfd", signalfd, "fd ptr size"),
    Call(283, "timerfd_create", timerfd_create, "int flags:open"),
    Call(284, "eventfd", eventfd, "int"),
    Call(286, "timerfd_settime", timerfd_settime, "fd int ptr ptr"),
    Call(287, "timerfd_gettime", timerfd_gettime, "fd ptr"),
    Call(289, "signalfd4", signalfd4, "fd ptr size flags:open"),
    Call(290, "eventfd2", eventfd2, "int flags:open"),
    Call(294, "inotify_init1", inotify_init1, "flags:open"),
    Call(319, "memfd_create", memfd_create, "path int", Support.PARTIAL, "no MFD_HUGETLB"),
    Call(424, "pidfd_send_signal", pidfd_send_signal, "fd sig ptr int", note="but for SIGRTMAX, the monitor's own"),
    Call(434, "pidfd_open", pidfd_open, "pid int"),
    Call(438, "pidfd_getfd", pidfd_getfd, "fd fd int"),
)
