"""The jail: how a child of the keeper, real root, becomes a process that can do nothing to the host.

In order, as each step needs what later ones take away: descriptors of the keeper's closed; the guest's cgroup joined;
new namespaces, or those of the guest that an exec is for; the guest's files as root; a terminal; then the point of no
return: a user namespace, in which what is left of root is worth nothing outside; ids, capabilities, limits, the seccomp
filter.

Ids are mapped to themselves: root in a guest owns the files that root owns, as in a container. What would make that
dangerous (a host file to be reached, /proc/sys, signals to processes outside) is out of reach by the other steps.
"""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import signal
import socket
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from wirt.abi.linux import sched
from wirt.abi.linux.resource import RLIM_INFINITY, RLIMITS
from wirt.host import privileges
from wirt.host.namespaces import setns, unshare
from wirt.host.process import set_no_new_privs
from wirt.host.sysctl import write_sysctl
from wirt.micro import files
from wirt.micro.config import MonitorConfig
from wirt.micro.console import open_console
from wirt.micro.report import Refused, Report
from wirt.sentry.descriptors import OWN, hide
from wirt.sentry.orders import Post

__all__ = ["HOST_LIMITS", "Jail", "enter", "make_room", "shed", "take_streams"]

# What the host kernel can hold a guest's processes to; the others (memory and descriptors) would hit the monitor.
HOST_LIMITS = frozenset(("cpu", "nproc", "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime", "memlock"))

_JOINED = (("net", sched.CLONE_NEWNET), ("ipc", sched.CLONE_NEWIPC), ("uts", sched.CLONE_NEWUTS))
_MOST_DESCRIPTORS = 1 << 20


@dataclass(frozen=True, slots=True)
class Jail:
    """What the guest does not see. ``proc_fd``: a procfs of its pid namespace, processes alone.

    ``records_fd``: the folder that all of the guest's processes share. ``post``: where they hear of orders; None: none.
    """

    proc_fd: int
    records_fd: int
    post: Post | None = None


def shed(kept: Collection[int]) -> None:
    """Let go of the keeper's session and descriptors but ``kept``. Its signal handlers are the sentry's to take."""
    signal.set_wakeup_fd(-1)
    os.setsid()
    first = 3  # the streams are the keeper's own, /dev/null, until others come
    for fd in sorted(kept):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, _MOST_DESCRIPTORS)


def take_streams(stdio: Sequence[int]) -> None:
    """Standard input, output and error, instead of what we had."""
    for number, fd in enumerate(stdio):
        os.dup2(fd, number)
        os.close(fd)


def make_room() -> None:
    """Raise the limit of descriptors to what the monitor's own need, which lie above all of the guest's."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = max(hard, OWN * 2)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        raise OSError(f"the limit of open files is too low: micro guests need {OWN * 2}") from None


def enter(config: MonitorConfig, report: Report, furnish: Callable[[], None] = lambda: None) -> None:
    """Lock ourselves in. ``OSError`` or ``Refused`` say which step could not be done; the caller then ends.

    ``furnish`` is called while we are real root, and the guest's files are all that is in sight.
    """
    for door in config.cgroups:
        _join_cgroup(door)
    user_ns = -1
    if config.join:
        user_ns = _join_guest(config.join)
    else:
        _make_namespaces(config)
        files.take_root(config)
        furnish()
    if config.tty:
        open_console(report, config.uid, config.size, as_dev_console=not config.join)
    else:
        _own_streams(config.uid)
    if config.join:
        setns(user_ns, sched.CLONE_NEWUSER)
        os.close(user_ns)
    else:
        unshare(sched.CLONE_NEWUSER)
        report.map_users()
    if not config.join:  # a wrong word to exec makes no folder
        _make_folder(config.cwd)
    _set_limits(config.rlimits)
    _become(config)
    _enter_folder(config.cwd)
    privileges.set_dumpable(dumpable=True)  # a change of ids took it away, and with it what /proc says of processes
    set_no_new_privs()
    privileges.load_filter(base64.b64decode(config.seccomp))


def _join_cgroup(door: str) -> None:
    fd = os.open(door, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"0")  # ourselves
    finally:
        os.close(fd)


# -- namespaces ----------------------------------------------------------------------------------------


def _make_namespaces(config: MonitorConfig) -> None:
    """Of mounts always; of network, IPC and host names as ``config`` has it. That of pids is the keeper's doing."""
    new = sched.CLONE_NEWNS | sched.CLONE_NEWCGROUP
    for (kind, flag), where in zip(_JOINED, (config.netns, config.ipc_ns, config.uts_ns), strict=True):
        if where not in ("", "host"):
            _enter(where, flag)
        elif not where and kind != "net":
            new |= flag
    unshare(new)
    if not config.uts_ns and config.hostname:
        socket.sethostname(config.hostname)
    for name, value in config.sysctls:
        with contextlib.suppress(FileNotFoundError):  # a kernel without it
            write_sysctl(name.replace(".", "/"), value)


def _join_guest(pid: int) -> int:
    """Enter every namespace of a running guest's but that of users, whose descriptor is returned."""
    # By names, not a pidfd: we are in the guest's pid namespace already, and the number is the host's.
    folder = f"/proc/{pid}/ns"
    user_ns = hide(os.open(f"{folder}/user", os.O_RDONLY | os.O_CLOEXEC))
    for name, flag in _JOINED:
        _enter(f"{folder}/{name}", flag)
    _enter(f"{folder}/cgroup", sched.CLONE_NEWCGROUP)
    _enter(f"{folder}/mnt", sched.CLONE_NEWNS)
    return user_ns


def _enter(path: str, flag: int) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        setns(fd, flag)
    finally:
        os.close(fd)


# -- the program's place -------------------------------------------------------------------------------


def _own_streams(uid: int) -> None:
    """Nothing of the host's is left among them.

    /dev/null becomes the guest's own: who is root may change the mode of what it has open (fchmod(2)), and the host's
    must not be that. Pipes belong to who writes into them, so that /dev/stdout can be opened by name.
    """
    for fd in range(3):
        about = os.fstat(fd)
        if stat.S_ISCHR(about.st_mode):
            _reopen_null(fd, about.st_rdev)
        elif uid and stat.S_ISFIFO(about.st_mode):
            os.fchown(fd, uid, -1)


def _reopen_null(fd: int, device: int) -> None:
    """A running guest may have put anything in its place: what is not the device is refused, and not waited for."""
    own = os.open("/dev/null", os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if os.fstat(own).st_rdev != device:
            raise Refused(125, "/dev/null of the guest is not what it should be")
        os.dup2(own, fd)
    finally:
        os.close(own)


def _make_folder(path: str) -> None:
    with contextlib.suppress(OSError):  # what is wrong with it is said when it is entered
        os.makedirs(path, 0o755, exist_ok=True)


def _enter_folder(path: str) -> None:
    try:
        os.chdir(path)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Refused(126, f'the working directory "{path}" cannot be entered: {reason}') from error


# -- what is given up ----------------------------------------------------------------------------------


def _set_limits(rlimits: tuple[tuple[str, int, int], ...]) -> None:
    wanted = {name: (soft, hard) for name, soft, hard in rlimits if name in HOST_LIMITS}
    for name, limits in wanted.items():
        soft, hard = (resource.RLIM_INFINITY if limit == RLIM_INFINITY else limit for limit in limits)
        resource.setrlimit(RLIMITS.index(name), (soft, hard))
    # Not 0: a core dump into a program of the host's ignores every limit but this one (fs/coredump.c).
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))


def _become(config: MonitorConfig) -> None:
    """The guest's user, with no more capabilities than its user namespace has for it; others than root have none."""
    privileges.shrink_bounding_set(config.capabilities)
    os.setgroups(config.groups)
    os.setresgid(config.gid, config.gid, config.gid)
    if config.uid:
        os.setresuid(config.uid, config.uid, config.uid)
    else:
        privileges.set_capabilities(config.capabilities)
