"""What Docker's default seccomp profile lets through, as data (https://docs.docker.com/engine/security/seccomp/).

The state of Docker 29: io_uring is out since 25, AF_VSOCK and AF_ALG sockets since 29.4. ``seccomp_profile.py`` says
what the members mean.
"""

from __future__ import annotations

from wirt.abi.oci_runtime import SyscallArg
from wirt.container.seccomp_profile import ALLOW, ERRNO, ArchMap, Condition, Profile, ProfileRule

__all__ = ["DEFAULT_PROFILE"]

_EPERM = 1
_ENOSYS = 38

# <linux/socket.h>
_AF_ALG = 38  # the kernel's cryptography: no guest needs it, and it has let guests out
_FAMILIES_ABOVE = (39, 41, 42, 43, 44, 45)  # NFC, KCM ... MCTP; not 40, VSOCK, which knows no network namespaces

# CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET: clone(2) may make threads, not namespaces.
_NEW_NAMESPACES = 0x7E02_0000

# PER_LINUX, PER_LINUX32, each with and without UNAME26 (0x20000), and 0xffffffff: what is it now?
_PERSONALITIES = (0x0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF)

_ALWAYS = """
_llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32
geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt
gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl
ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32
lgetxattr link linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64
madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2
mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc
pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6
pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg
recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall
riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop
semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto set_robust_list set_thread_area
set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid
setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid
setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
sigprocmask sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat
sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat
utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
"""

_BY_CAPABILITY = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": """
bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
sethostname setns syslog umount umount2 unshare
""",
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module finit_module init_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    "CAP_SYS_RAWIO": "ioperm iopl",
    "CAP_SYS_TIME": "clock_settime clock_settime64 settimeofday stime",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}

_BY_ARCHITECTURE = {
    ("amd64", "x32"): "arch_prctl modify_ldt",
    ("x86",): "modify_ldt",
    ("arm", "arm64"): "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
    ("ppc64le",): "swapcontext sync_file_range2",
    ("riscv64",): "riscv_flush_icache",
    ("s390", "s390x"): "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
}


def _allow(names: str, **more: object) -> ProfileRule:
    return ProfileRule(names=tuple(names.split()), action=ALLOW, **more)  # type: ignore[arg-type]


def _if(op: str, value: int, *, index: int = 0) -> tuple[SyscallArg, ...]:
    return (SyscallArg(index=index, value=value, op=f"SCMP_CMP_{op}"),)


_NOT_ADMIN = ("CAP_SYS_ADMIN",)
_S390 = ("s390", "s390x")

DEFAULT_PROFILE = Profile(
    default_action=ERRNO,
    default_errno_ret=_EPERM,
    arch_map=(
        ArchMap("SCMP_ARCH_X86_64", ("SCMP_ARCH_X86", "SCMP_ARCH_X32")),
        ArchMap("SCMP_ARCH_AARCH64", ("SCMP_ARCH_ARM",)),
        ArchMap("SCMP_ARCH_S390X", ("SCMP_ARCH_S390",)),
        ArchMap("SCMP_ARCH_RISCV64"),
        ArchMap("SCMP_ARCH_LOONGARCH64"),
    ),
    syscalls=(
        _allow(_ALWAYS),
        # Before 4.8, ptrace(2) could get a program around the filter (seccomp(2), CAVEATS).
        _allow("process_vm_readv process_vm_writev ptrace", includes=Condition(min_kernel="4.8")),
        # No "greater than": socket(2) takes an int, and a filter sees all 64 bits of the register it came in.
        _allow("socket", args=_if("LT", _AF_ALG)),
        *(_allow("socket", args=_if("EQ", family)) for family in _FAMILIES_ABOVE),
        *(_allow("personality", args=_if("EQ", value)) for value in _PERSONALITIES),
        *(_allow(names, includes=Condition(arches=arches)) for arches, names in _BY_ARCHITECTURE.items()),
        *(_allow(names, includes=Condition(caps=(cap,))) for cap, names in _BY_CAPABILITY.items()),
        _allow("clone", args=_if("MASKED_EQ", _NEW_NAMESPACES), excludes=Condition(caps=_NOT_ADMIN, arches=_S390)),
        _allow(
            "clone",
            args=_if("MASKED_EQ", _NEW_NAMESPACES, index=1),  # s390 takes clone's arguments the other way round
            includes=Condition(arches=_S390),
            excludes=Condition(caps=_NOT_ADMIN),
        ),
        # clone3(2) hides its flags behind a pointer: ENOSYS makes libraries fall back to clone(2).
        ProfileRule(names=("clone3",), action=ERRNO, errno_ret=_ENOSYS, excludes=Condition(caps=_NOT_ADMIN)),
    ),
)
