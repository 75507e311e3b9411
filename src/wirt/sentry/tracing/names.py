"""The kernel's names of numbers, for a trace: bits that may come together, and values of which there is one."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import termios

__all__ = ["BITS", "VALUES", "ZERO", "error_name", "signal_name"]


def _numbered(names: str, first: int = 0) -> dict[int, str]:
    return {number: name for number, name in enumerate(names.split(), first) if name != "-"}


def _bits(names: str, prefix: str = "") -> dict[int, str]:
    return {1 << number: prefix + name for number, name in enumerate(names.split()) if name != "-"}


def _of(module: object, prefix: str, *without: str) -> dict[int, str]:
    """The constants of a module of Python's whose names begin so."""
    found: dict[int, str] = {}
    for name in sorted(dir(module)):
        if name.startswith(prefix) and name not in without and type(value := getattr(module, name)) is not str:
            found.setdefault(int(value), name)
    return found


BITS: dict[str, dict[int, str]] = {
    "prot": _bits("PROT_READ PROT_WRITE PROT_EXEC"),
    "map": {
        1: "MAP_SHARED", 2: "MAP_PRIVATE", 0x10: "MAP_FIXED", 0x20: "MAP_ANONYMOUS", 0x40: "MAP_32BIT",
        0x100: "MAP_GROWSDOWN", 0x800: "MAP_DENYWRITE", 0x1000: "MAP_EXECUTABLE", 0x2000: "MAP_LOCKED",
        0x4000: "MAP_NORESERVE", 0x8000: "MAP_POPULATE", 0x10000: "MAP_NONBLOCK", 0x20000: "MAP_STACK",
        0x40000: "MAP_HUGETLB", 0x80000: "MAP_SYNC", 0x100000: "MAP_FIXED_NOREPLACE",
    },
    "open": {
        1: "O_WRONLY", 2: "O_RDWR", os.O_CREAT: "O_CREAT", os.O_EXCL: "O_EXCL", os.O_NOCTTY: "O_NOCTTY",
        os.O_TRUNC: "O_TRUNC", os.O_APPEND: "O_APPEND", os.O_NONBLOCK: "O_NONBLOCK", os.O_SYNC: "O_SYNC",
        os.O_DSYNC: "O_DSYNC", os.O_ASYNC: "O_ASYNC", os.O_DIRECT: "O_DIRECT", 0x8000: "O_LARGEFILE",
        os.O_TMPFILE: "O_TMPFILE", os.O_DIRECTORY: "O_DIRECTORY", os.O_NOFOLLOW: "O_NOFOLLOW",
        os.O_NOATIME: "O_NOATIME", os.O_CLOEXEC: "O_CLOEXEC", os.O_PATH: "O_PATH",
    },
    "clone": {
        0x100: "CLONE_VM", 0x200: "CLONE_FS", 0x400: "CLONE_FILES", 0x800: "CLONE_SIGHAND", 0x1000: "CLONE_PIDFD",
        0x2000: "CLONE_PTRACE", 0x4000: "CLONE_VFORK", 0x8000: "CLONE_PARENT", 0x10000: "CLONE_THREAD",
        0x20000: "CLONE_NEWNS", 0x40000: "CLONE_SYSVSEM", 0x80000: "CLONE_SETTLS", 0x100000: "CLONE_PARENT_SETTID",
        0x200000: "CLONE_CHILD_CLEARTID", 0x400000: "CLONE_DETACHED", 0x800000: "CLONE_UNTRACED",
        0x1000000: "CLONE_CHILD_SETTID", 0x2000000: "CLONE_NEWCGROUP", 0x4000000: "CLONE_NEWUTS",
        0x8000000: "CLONE_NEWIPC", 0x10000000: "CLONE_NEWUSER", 0x20000000: "CLONE_NEWPID",
        0x40000000: "CLONE_NEWNET", 0x80000000: "CLONE_IO", 1 << 32: "CLONE_CLEAR_SIGHAND",
    },
    "access": {4: "R_OK", 2: "W_OK", 1: "X_OK"},
    "at": {
        0x100: "AT_SYMLINK_NOFOLLOW", 0x200: "AT_EACCESS", 0x400: "AT_SYMLINK_FOLLOW", 0x800: "AT_NO_AUTOMOUNT",
        0x1000: "AT_EMPTY_PATH", 0x2000: "AT_STATX_FORCE_SYNC", 0x4000: "AT_STATX_DONT_SYNC",
    },
    "unlink": {0x200: "AT_REMOVEDIR"},
    "statx": _bits("TYPE MODE NLINK UID GID ATIME MTIME CTIME INO SIZE BLOCKS BTIME MNT_ID DIOALIGN", "STATX_"),
    "rename": _bits("RENAME_NOREPLACE RENAME_EXCHANGE RENAME_WHITEOUT"),
    "mremap": _bits("MREMAP_MAYMOVE MREMAP_FIXED MREMAP_DONTUNMAP"),
    "msync": _bits("MS_ASYNC MS_INVALIDATE MS_SYNC"),
    "mlock": _bits("MCL_CURRENT MCL_FUTURE MCL_ONFAULT"),
    "msg": {
        **_bits("OOB PEEK DONTROUTE CTRUNC PROBE TRUNC DONTWAIT EOR WAITALL FIN SYN CONFIRM RST ERRQUEUE NOSIGNAL MORE "
                "WAITFORONE - BATCH", "MSG_"),
        0x40000000: "MSG_CMSG_CLOEXEC", 0x20000000: "MSG_FASTOPEN",
    },
    "wait": {
        1: "WNOHANG", 2: "WSTOPPED", 4: "WEXITED", 8: "WCONTINUED", 0x1000000: "WNOWAIT", 0x20000000: "__WNOTHREAD",
        0x40000000: "__WALL", 0x80000000: "__WCLONE",
    },
    "poll": {
        1: "POLLIN", 2: "POLLPRI", 4: "POLLOUT", 8: "POLLERR", 0x10: "POLLHUP", 0x20: "POLLNVAL", 0x40: "POLLRDNORM",
        0x80: "POLLRDBAND", 0x100: "POLLWRNORM", 0x200: "POLLWRBAND", 0x2000: "POLLRDHUP",
    },
    "epoll": {
        1: "EPOLLIN", 2: "EPOLLPRI", 4: "EPOLLOUT", 8: "EPOLLERR", 0x10: "EPOLLHUP", 0x40: "EPOLLRDNORM",
        0x2000: "EPOLLRDHUP", 1 << 28: "EPOLLEXCLUSIVE", 1 << 29: "EPOLLWAKEUP", 1 << 30: "EPOLLONESHOT",
        1 << 31: "EPOLLET",
    },
    "sa": {
        1: "SA_NOCLDSTOP", 2: "SA_NOCLDWAIT", 4: "SA_SIGINFO", 0x4000000: "SA_RESTORER", 0x8000000: "SA_ONSTACK",
        0x10000000: "SA_RESTART", 0x40000000: "SA_NODEFER", 0x80000000: "SA_RESETHAND",
    },
    "ss": {1: "SS_ONSTACK", 2: "SS_DISABLE", 1 << 31: "SS_AUTODISARM"},
    "inotify": {
        **_bits("ACCESS MODIFY ATTRIB CLOSE_WRITE CLOSE_NOWRITE OPEN MOVED_FROM MOVED_TO CREATE DELETE DELETE_SELF "
                "MOVE_SELF", "IN_"),
        0x1000000: "IN_ONLYDIR", 0x2000000: "IN_DONT_FOLLOW", 0x20000000: "IN_MASK_ADD", 0x80000000: "IN_ONESHOT",
    },
    "flock": {1: "LOCK_SH", 2: "LOCK_EX", 4: "LOCK_NB", 8: "LOCK_UN"},
    "fallocate": _bits("KEEP_SIZE PUNCH_HOLE NO_HIDE_STALE COLLAPSE_RANGE ZERO_RANGE INSERT_RANGE", "FALLOC_FL_"),
    "splice": _bits("SPLICE_F_MOVE SPLICE_F_NONBLOCK SPLICE_F_MORE SPLICE_F_GIFT"),
    "memfd": _bits("MFD_CLOEXEC MFD_ALLOW_SEALING MFD_HUGETLB MFD_NOEXEC_SEAL MFD_EXEC"),
    "random": _bits("GRND_NONBLOCK GRND_RANDOM GRND_INSECURE"),
    "timer": {1: "TIMER_ABSTIME", 2: "TFD_TIMER_CANCEL_ON_SET"},
    "event": {1: "EFD_SEMAPHORE", os.O_NONBLOCK: "EFD_NONBLOCK", os.O_CLOEXEC: "EFD_CLOEXEC"},
    "fd": {1: "FD_CLOEXEC"},
    "closerange": {2: "CLOSE_RANGE_UNSHARE", 4: "CLOSE_RANGE_CLOEXEC"},
    "resolve": _bits("NO_XDEV NO_MAGICLINKS NO_SYMLINKS BENEATH IN_ROOT CACHED", "RESOLVE_"),
    "shm": {0o10000: "SHM_RDONLY", 0o20000: "SHM_RND", 0o40000: "SHM_REMAP", 0o100000: "SHM_EXEC"},
    "ipc": {0o1000: "IPC_CREAT", 0o2000: "IPC_EXCL", 0o4000: "IPC_NOWAIT"},
    "xattr": _bits("XATTR_CREATE XATTR_REPLACE"),
}  # fmt: skip
ZERO = {"prot": "PROT_NONE", "open": "O_RDONLY", "access": "F_OK"}

_SOCKET_TYPES = _numbered("SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET", 1)
_FCNTL = {
    **_numbered("F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_GETLK F_SETLK F_SETLKW F_SETOWN F_GETOWN F_SETSIG F_GETSIG"),
    15: "F_SETOWN_EX", 16: "F_GETOWN_EX", 36: "F_OFD_GETLK", 37: "F_OFD_SETLK", 38: "F_OFD_SETLKW",
    **_numbered("F_SETLEASE F_GETLEASE F_NOTIFY", 1024), 1030: "F_DUPFD_CLOEXEC",
    **_numbered("F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_GET_SEALS", 1031),
}  # fmt: skip
VALUES: dict[str, dict[int, str]] = {
    "whence": _numbered("SEEK_SET SEEK_CUR SEEK_END SEEK_DATA SEEK_HOLE"),
    "fcntl": _FCNTL,
    "ioctl": {
        **_of(termios, "TC", "TCSANOW", "TCSADRAIN", "TCSAFLUSH", "TCIFLUSH", "TCOFLUSH", "TCIOFLUSH", "TCOOFF",
              "TCOON", "TCIOFF", "TCION"),
        **_of(termios, "TIOC"), **_of(termios, "FIO"), 0x5401: "TCGETS", 0x5402: "TCSETS", 0x5403: "TCSETSW",
        0x5404: "TCSETSF", 0x802C542A: "TCGETS2", 0x80045430: "TIOCGPTN", 0x40045431: "TIOCSPTLCK",
        0x5441: "TIOCGPTPEER", 0x540F: "TIOCGPGRP", 0x5410: "TIOCSPGRP", 0x5413: "TIOCGWINSZ", 0x5414: "TIOCSWINSZ",
        0x541B: "FIONREAD", 0x5421: "FIONBIO", 0x5450: "FIONCLEX", 0x5451: "FIOCLEX", 0x8912: "SIOCGIFCONF",
        0x8913: "SIOCGIFFLAGS", 0x8915: "SIOCGIFADDR", 0x8927: "SIOCGIFHWADDR", 0x8933: "SIOCGIFINDEX",
        0x40049409: "FICLONE", 0x80086601: "FS_IOC_GETFLAGS",
    },
    "domain": {**_of(socket, "AF_"), 0: "AF_UNSPEC", 1: "AF_UNIX", 16: "AF_NETLINK"},
    "socket": _SOCKET_TYPES,
    "shutdown": _numbered("SHUT_RD SHUT_WR SHUT_RDWR"),
    "level": {0: "SOL_IP", 1: "SOL_SOCKET", 6: "SOL_TCP", 17: "SOL_UDP", 41: "SOL_IPV6", 270: "SOL_NETLINK"},
    "SOL_SOCKET": {**_of(socket, "SO_"), 2: "SO_REUSEADDR", 3: "SO_TYPE", 4: "SO_ERROR"},
    "SOL_TCP": _of(socket, "TCP_"),
    "SOL_IPV6": _of(socket, "IPV6_"),
    "how": _numbered("SIG_BLOCK SIG_UNBLOCK SIG_SETMASK"),
    "clockid": _numbered(
        "CLOCK_REALTIME CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID CLOCK_THREAD_CPUTIME_ID CLOCK_MONOTONIC_RAW "
        "CLOCK_REALTIME_COARSE CLOCK_MONOTONIC_COARSE CLOCK_BOOTTIME CLOCK_REALTIME_ALARM CLOCK_BOOTTIME_ALARM - "
        "CLOCK_TAI"
    ),
    "itimer": _numbered("ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF"),
    "futex": _numbered(
        "FUTEX_WAIT FUTEX_WAKE FUTEX_FD FUTEX_REQUEUE FUTEX_CMP_REQUEUE FUTEX_WAKE_OP FUTEX_LOCK_PI FUTEX_UNLOCK_PI "
        "FUTEX_TRYLOCK_PI FUTEX_WAIT_BITSET FUTEX_WAKE_BITSET FUTEX_WAIT_REQUEUE_PI FUTEX_CMP_REQUEUE_PI FUTEX_LOCK_PI2"
    ),
    "epollctl": _numbered("EPOLL_CTL_ADD EPOLL_CTL_DEL EPOLL_CTL_MOD", 1),
    "madvise": {
        **_numbered("MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MADV_DONTNEED - - - MADV_FREE MADV_REMOVE "
                    "MADV_DONTFORK MADV_DOFORK MADV_MERGEABLE MADV_UNMERGEABLE MADV_HUGEPAGE MADV_NOHUGEPAGE "
                    "MADV_DONTDUMP MADV_DODUMP MADV_WIPEONFORK MADV_KEEPONFORK MADV_COLD MADV_PAGEOUT "
                    "MADV_POPULATE_READ MADV_POPULATE_WRITE MADV_DONTNEED_LOCKED MADV_COLLAPSE"),
    },
    "fadvise": _numbered("POSIX_FADV_NORMAL POSIX_FADV_RANDOM POSIX_FADV_SEQUENTIAL POSIX_FADV_WILLNEED "
                         "POSIX_FADV_DONTNEED POSIX_FADV_NOREUSE"),
    "rlimit": _of(resource, "RLIMIT_", "RLIMIT_OFILE"),
    "rusage": {0: "RUSAGE_SELF", -1: "RUSAGE_CHILDREN", 1: "RUSAGE_THREAD"},
    "arch_prctl": _numbered("ARCH_SET_GS ARCH_SET_FS ARCH_GET_FS ARCH_GET_GS", 0x1001),
    "prctl": {
        1: "PR_SET_PDEATHSIG", 2: "PR_GET_PDEATHSIG", 3: "PR_GET_DUMPABLE", 4: "PR_SET_DUMPABLE", 7: "PR_GET_KEEPCAPS",
        8: "PR_SET_KEEPCAPS", 15: "PR_SET_NAME", 16: "PR_GET_NAME", 22: "PR_SET_SECCOMP", 23: "PR_CAPBSET_READ",
        24: "PR_CAPBSET_DROP", 29: "PR_SET_TIMERSLACK", 30: "PR_GET_TIMERSLACK", 35: "PR_SET_MM",
        36: "PR_SET_CHILD_SUBREAPER", 37: "PR_GET_CHILD_SUBREAPER", 38: "PR_SET_NO_NEW_PRIVS",
        39: "PR_GET_NO_NEW_PRIVS", 0x53564D41: "PR_SET_VMA",
    },
    "idtype": _numbered("P_ALL P_PID P_PGID P_PIDFD"),
    "scheduler": _numbered("SCHED_OTHER SCHED_FIFO SCHED_RR SCHED_BATCH - SCHED_IDLE SCHED_DEADLINE"),
    "prio": _numbered("PRIO_PROCESS PRIO_PGRP PRIO_USER"),
    "ipcctl": {0: "IPC_RMID", 1: "IPC_SET", 2: "IPC_STAT", 3: "IPC_INFO"},
    "semctl": {0: "IPC_RMID", 1: "IPC_SET", 2: "IPC_STAT", 11: "GETPID", 12: "GETVAL", 13: "GETALL", 14: "GETNCNT",
               15: "GETZCNT", 16: "SETVAL", 17: "SETALL"},
}  # fmt: skip

_KERNELS_OWN = {512: "ERESTARTSYS", 524: "ENOTSUPP"}


def error_name(number: int) -> str:
    return errno.errorcode.get(number) or _KERNELS_OWN.get(number) or str(number)


def signal_name(number: int) -> str:
    """SIGTERM, SIGRT_3, or the number."""
    try:
        return signal.Signals(number).name if not 34 < number < 64 else f"SIGRT_{number - 32}"
    except ValueError:
        return str(number)
