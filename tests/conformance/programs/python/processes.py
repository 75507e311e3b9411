# os: fork, exec, wait, ids, groups, sessions, scheduling, limits, times.
import os
import resource
import signal
import sys
import time

sys.stdout.reconfigure(line_buffering=True)
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.setsid()
    os.write(w, b"in the child")
    os._exit(7)
print(os.waitpid(pid, 0)[1] >> 8, os.read(r, 100))
pid = os.spawnv(os.P_NOWAIT, "/bin/sh", ["sh", "-c", "exit 5"])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(os.posix_spawn("/bin/true", ["true"], {}) > 0, os.wait()[1])
pid = os.fork()
if pid == 0:
    signal.pause()
fd = os.pidfd_open(pid)
signal.pidfd_send_signal(fd, signal.SIGKILL)
info = os.waitid(os.P_PIDFD, fd, os.WEXITED)
print(info.si_status, info.si_code == os.CLD_KILLED, info.si_pid == pid)
print(os.getuid(), os.getgroups(), os.getresuid(), os.umask(0o22))
print(len(os.sched_getaffinity(0)) > 0, os.nice(0), os.getpriority(os.PRIO_PROCESS, 0))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
try:
    files = [open("/dev/null") for _ in range(100)]
except OSError as error:
    print(error.strerror)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(usage.ru_maxrss > 1000, time.process_time() > 0, os.times().elapsed > 0)
print(os.uname().sysname, os.cpu_count() > 0, os.getloadavg()[0] >= 0, os.ctermid())
print(os.WIFSIGNALED(os.system("kill -9 $$")))
os.execv("/bin/echo", ["echo", "the", "end"])
