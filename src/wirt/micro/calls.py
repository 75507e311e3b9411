"""The host calls that a monitor may make, each with a reason; everything else is refused with EPERM (docs/security.md).

Most of them are the guest's own: the sentry checks a guest's call and passes it on with translated pointers. They are
harmless to the host because of *where* they are made: namespaces of the guest's own, no capability outside of them.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FAMILIES", "GROUPS", "IOCTLS", "IOCTL_TYPES", "Group", "NetlinkRule", "allowed"]


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that are allowed whatever their arguments, for one reason."""

    reason: str
    calls: tuple[str, ...]


def _group(reason: str, calls: str) -> Group:
    return Group(reason, tuple(calls.split()))


GROUPS = (
    _group(
        "the monitor's own memory, and the guest's, which is a part of it",
        "mmap munmap mprotect mremap madvise brk msync mincore mlock mlock2 mlockall munlock munlockall "
        "process_vm_readv process_vm_writev membarrier",
    ),
    _group(
        "threads and processes: a guest's are the host's, in the guest's pid namespace",
        "fork vfork exit exit_group wait4 waitid set_tid_address set_robust_list get_robust_list rseq arch_prctl prctl "
        "futex futex_waitv sched_yield restart_syscall",
    ),
    _group(
        "signals: the host kernel keeps the guest's queues",
        "rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo "
        "rt_tgsigqueueinfo sigaltstack kill tkill tgkill pause pidfd_open pidfd_send_signal signalfd signalfd4",
    ),
    _group(
        "who a process is: ids and capabilities of the guest's user namespace",
        "getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid "
        "setregid setresuid setresgid setgroups setfsuid setfsgid capget capset getpgid getpgrp setpgid getsid setsid",
    ),
    _group(
        "how much a process gets, within the guest's cgroup",
        "getrlimit setrlimit prlimit64 getrusage times getpriority setpriority ioprio_get ioprio_set "
        "sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler "
        "sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval getcpu",
    ),
    _group(
        "time, to be read and waited for",
        "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time alarm getitimer setitimer timer_create "
        "timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime "
        "adjtimex clock_adjtime",
    ),
    _group(
        "files of the guest: its root is ours",
        "open openat openat2 creat close close_range dup dup2 dup3 fcntl flock lseek read readv pread64 preadv preadv2 "
        "write writev pwrite64 pwritev pwritev2 sendfile splice tee vmsplice copy_file_range fallocate fadvise64 "
        "readahead ftruncate truncate fsync fdatasync sync syncfs sync_file_range memfd_create umask",
    ),
    _group(
        "names and attributes of the guest's files",
        "stat fstat lstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat getdents "
        "getdents64 getcwd chdir fchdir chroot mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link "
        "linkat symlink symlinkat mknod mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime "
        "utimes futimesat utimensat getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr "
        "flistxattr removexattr lremovexattr fremovexattr inotify_init inotify_init1 inotify_add_watch "
        "inotify_rm_watch",
    ),
    _group(
        "pipes and waiting for many things at once",
        "pipe pipe2 poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait "
        "epoll_pwait2 eventfd eventfd2",
    ),
    _group(
        "sockets, in the guest's network namespace",
        "socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown sendto "
        "recvfrom sendmsg recvmsg sendmmsg recvmmsg",
    ),
    _group(
        "System V and POSIX IPC, in the guest's IPC namespace",
        "shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl mq_open mq_unlink "
        "mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
    ),
    _group("randomness, and what the machine is called and has", "getrandom uname sysinfo"),
)

# socket(2): AF_UNIX, AF_INET, AF_INET6. No vsock, no packets of one's own making, no cryptography of the kernel's.
FAMILIES = {1: "unix", 2: "inet", 10: "inet6"}


@dataclass(frozen=True, slots=True)
class NetlinkRule:
    """socket(AF_NETLINK, any type, protocol)."""

    family: int = 16
    protocol: int = 0  # NETLINK_ROUTE: addresses and interfaces, which every resolver asks for


# ioctl(2) by the type in bits 8 to 15 of its number (ioctl_list(2)).
IOCTL_TYPES = {
    0xAE: "KVM: virtual machines, on the device that was opened before the jail was shut",
    0x89: "sockets and interfaces; changing any takes CAP_NET_ADMIN over the network, which nobody has",
    0x66: "attributes and layout of files (FS_IOC_...)",
}
# ioctl(2) by whole number: terminals without TIOCSTI, TIOCLINUX, TIOCCONS and line disciplines; clones of files.
IOCTLS = {
    **dict.fromkeys(range(0x5401, 0x5412), "TCGETS to TIOCOUTQ"),
    **dict.fromkeys(range(0x5413, 0x541C), "TIOCGWINSZ to FIONREAD"),
    0x5420: "TIOCPKT",
    0x5421: "FIONBIO",
    0x5422: "TIOCNOTTY",
    0x5424: "TIOCGETD",
    0x5425: "TCSBRKP",
    0x5427: "TIOCSBRK",
    0x5428: "TIOCCBRK",
    0x5429: "TIOCGSID",
    0x802C_542A: "TCGETS2",
    0x402C_542B: "TCSETS2",
    0x402C_542C: "TCSETSW2",
    0x402C_542D: "TCSETSF2",
    0x8004_5430: "TIOCGPTN",
    0x4004_5431: "TIOCSPTLCK",
    0x8004_5432: "TIOCGDEV",
    0x4004_5436: "TIOCSIG",
    0x8004_5438: "TIOCGPKT",
    0x8004_5439: "TIOCGPTLCK",
    0x8004_5440: "TIOCGEXCL",
    0x5441: "TIOCGPTPEER",
    0x5450: "FIONCLEX",
    0x5451: "FIOCLEX",
    0x5452: "FIOASYNC",
    0x5460: "FIOQSIZE",
    0x0002: "FIGETBSZ",
    0x4004_9409: "FICLONE",
    0x4020_940D: "FICLONERANGE",
    0xC018_9436: "FIDEDUPERANGE",
    0x8004_5200: "RNDGETENTCNT",
}


def allowed() -> frozenset[str]:
    """Every call that is let through at least with some arguments."""
    return frozenset(name for group in GROUPS for name in group.calls) | {"clone", "clone3", "ioctl", "socket"}
