"""What each word of a call is, where the table of calls says less than a trace wants to show (see ``decode``)."""

from __future__ import annotations

__all__ = ["SHAPES", "STRUCTS"]

# Per call, as strace(1) would show it. The kinds are those of ``decode``.
_SHAPES = """
open path flags:open openmode
openat at path flags:open openmode
read fd into size
write fd from size
pread64 fd into size off
pwrite64 fd from size off
readv fd iovecs-out size
writev fd iovecs size
preadv fd iovecs-out size off off
pwritev fd iovecs size off off
preadv2 fd iovecs-out size off off int
pwritev2 fd iovecs size off off int
stat path >stat
lstat path >stat
fstat fd >stat
newfstatat at path >stat bits:at
statx at path bits:at bits:statx >statx
statfs path >statfs
fstatfs fd >statfs
access path bits:access
faccessat at path bits:access
faccessat2 at path bits:access bits:at
unlinkat at path bits:unlink
renameat2 at path at path bits:rename
linkat at path at path bits:at
fchownat at path int int bits:at
fchmodat2 at path mode bits:at
utimensat at path times bits:at
readlink path into size
readlinkat at path into size
getcwd into size
lseek fd off value:whence
openat2 at path <open_how size
poll pollfds size int
ppoll pollfds size <timespec <sigset size
select int fdset fdset fdset <timeval
pselect6 int fdset fdset fdset <timespec ptr
mmap ptr size bits:prot bits:map fd hex
mprotect ptr size bits:prot
pkey_mprotect ptr size bits:prot int
mremap ptr size size bits:mremap ptr
msync ptr size bits:msync
madvise ptr size value:madvise
mlockall bits:mlock
fadvise64 fd off size value:fadvise
rt_sigaction sig <sigaction >sigaction size
rt_sigprocmask value:how <sigset >sigset size
rt_sigpending >sigset size
rt_sigsuspend <sigset size
rt_sigtimedwait <sigset ptr <timespec size
sigaltstack <stack_t >stack_t
signalfd fd <sigset size
signalfd4 fd <sigset size flags:open
ioctl fd value:ioctl ioctlarg
pipe >pair
pipe2 >pair bits:open
nanosleep <timespec >timespec
clock_nanosleep value:clockid bits:timer <timespec >timespec
clock_gettime value:clockid >timespec
clock_getres value:clockid >timespec
gettimeofday >timeval ptr
getitimer value:itimer >itimerval
setitimer value:itimer <itimerval >itimerval
timer_create value:clockid ptr >i32
timer_settime int bits:timer <itimerspec >itimerspec
timer_gettime int >itimerspec
timerfd_create value:clockid bits:open
timerfd_settime fd bits:timer <itimerspec >itimerspec
timerfd_gettime fd >itimerspec
time ptr
socket value:domain socktype int
socketpair value:domain socktype int >pair
connect fd sockaddr size
bind fd sockaddr size
accept fd sockaddr-out ptr
accept4 fd sockaddr-out ptr socktype
getsockname fd sockaddr-out >u32
getpeername fd sockaddr-out >u32
sendto fd from size bits:msg sockaddr size
recvfrom fd into size bits:msg sockaddr-out ptr
sendmsg fd msghdr bits:msg
recvmsg fd msghdr-out bits:msg
sendmmsg fd ptr size bits:msg
recvmmsg fd ptr size bits:msg <timespec
shutdown fd value:shutdown
setsockopt fd value:level sockopt optval size
getsockopt fd value:level sockopt >i32 >u32
clone clone ptr ptr ptr ptr
clone3 <clone_args size
execve path argv envp
execveat at path argv envp bits:at
wait4 pid >status bits:wait ptr
waitid value:idtype pid ptr bits:wait ptr
uname >utsname
sysinfo ptr
fcntl fd value:fcntl fcntlarg
flock fd bits:flock
getdents fd entries size
getdents64 fd entries size
getrlimit value:rlimit >rlimit
setrlimit value:rlimit <rlimit
prlimit64 pid value:rlimit <rlimit >rlimit
getrusage value:rusage >rusage
getresuid >u32 >u32 >u32
getresgid >u32 >u32 >u32
getpriority value:prio int
setpriority value:prio int int
sched_setscheduler pid value:scheduler ptr
prctl value:prctl prctlarg hex hex hex
arch_prctl value:arch_prctl ptr
futex ptr futex uint futexlimit ptr hex
sendfile fd fd >off size
splice fd >off fd >off size bits:splice
tee fd fd size bits:splice
vmsplice fd iovecs size bits:splice
copy_file_range fd >off fd >off size int
epoll_ctl fd value:epollctl fd <epoll_event
epoll_wait fd epoll_events int int
epoll_pwait fd epoll_events int int <sigset size
epoll_pwait2 fd epoll_events int <timespec <sigset size
inotify_add_watch fd path bits:inotify
fallocate fd bits:fallocate off off
memfd_create path bits:memfd
getrandom into size bits:random
eventfd2 int bits:event
setxattr path path from size bits:xattr
lsetxattr path path from size bits:xattr
fsetxattr fd path from size bits:xattr
getxattr path path into size
lgetxattr path path into size
fgetxattr fd path into size
close_range uint uint bits:closerange
getcpu >u32 >u32
shmat int ptr bits:shm
shmget int size bits:ipc
shmctl int value:ipcctl ptr
semget int int bits:ipc
semctl int int value:semctl ptr
msgget int bits:ipc
msgctl int value:ipcctl ptr
sched_getaffinity pid size >cpus
sched_setaffinity pid size <cpus
mknod path mode int
chown path int int
utimes path ptr
rseq ptr size int hex
mount path path path hex ptr
umount2 path int
pivot_root path path
sethostname from size
unshare clone
setns fd int
seccomp int hex ptr
ptrace int pid ptr ptr
bpf int ptr size
io_uring_setup uint ptr
perf_event_open ptr pid int fd hex
userfaultfd bits:open
process_vm_readv pid ptr size ptr size int
process_vm_writev pid ptr size ptr size int
memfd_secret bits:open
pkey_alloc int int
mbind ptr size int ptr size int
"""

SHAPES: dict[str, tuple[str, ...]] = {
    name: tuple(kinds) for name, *kinds in (line.split() for line in _SHAPES.strip().splitlines())
}

# Structures: how they lie in memory (struct module), and what their fields are called; a field's kind follows a colon.
STRUCTS: dict[str, tuple[str, str]] = {
    "timespec": ("<qq", "tv_sec tv_nsec"),
    "timeval": ("<qq", "tv_sec tv_usec"),
    "itimerspec": ("<qqqq", "it_interval.tv_sec it_interval.tv_nsec it_value.tv_sec it_value.tv_nsec"),
    "itimerval": ("<qqqq", "it_interval.tv_sec it_interval.tv_usec it_value.tv_sec it_value.tv_usec"),
    "stat": ("<16xQIII12xq8xq", "st_nlink st_mode:filetype st_uid st_gid st_size st_blocks"),
    "statx": ("<16xIIIHxx8xQQ", "stx_nlink stx_uid stx_gid stx_mode:filetype stx_size stx_blocks"),
    "statfs": ("<qqQQQ", "f_type:hex f_bsize f_blocks f_bfree f_bavail"),
    "rlimit": ("<QQ", "rlim_cur:limit rlim_max:limit"),
    "rusage": ("<qqqqq", "ru_utime.tv_sec ru_utime.tv_usec ru_stime.tv_sec ru_stime.tv_usec ru_maxrss"),
    "open_how": ("<QQQ", "flags:open mode:octal resolve:resolve"),
    "clone_args": ("<QQQQQQQQ", "flags:clone pidfd:hex child_tid:hex parent_tid:hex exit_signal:sig stack:hex "
                   "stack_size:hex tls:hex"),
    "epoll_event": ("<IQ", "events:epoll data:hex"),
    "sigaction": ("<QQQQ", "sa_handler:handler sa_flags:sa sa_restorer:hex sa_mask:sigset"),
    "stack_t": ("<QI4xQ", "ss_sp:hex ss_flags:ss ss_size"),
    "winsize": ("<HHHH", "ws_row ws_col ws_xpixel ws_ypixel"),
    "utsname": ("<65s65s65s65s65s", "sysname nodename release version machine"),
    "pair": ("<ii", ""),
    "i32": ("<i", ""),
    "u32": ("<I", ""),
    "off": ("<q", ""),
    "sigset": ("<Q", ":sigset"),
    "status": ("<i", ":status"),
    "cpus": ("<Q", ":hex"),
}  # fmt: skip
