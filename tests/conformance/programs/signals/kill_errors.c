/* kill(2), tkill(2), tgkill(2): errors, signal 0. */
#include "check.h"
static void dead(void) {}
static void other(void)
{
    SHOW(setgid(1000) | setuid(1000));
    SHOW(kill(getppid(), 0));
    SHOW(kill(getppid(), SIGTERM));
    SHOW(kill(getpid(), 0));
    SHOW(kill(-1, 0) == 0 || errno == EPERM || errno == ESRCH);
}
int main(void)
{
    SHOW(kill(getpid(), 0));
    SHOW(kill(0, 0));
    SHOW(kill(999999, 0));
    SHOW(kill(-999999, SIGTERM));
    SHOW(kill(getpid(), 65));
    SHOW(kill(getpid(), -1));
    SHOW(kill(INT_MIN, SIGTERM));
    child(other);
    pid_t pid = start(dead);
    siginfo_t info;
    waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
    SHOW(kill(pid, SIGTERM));
    reap("dead", pid);
    SHOW(kill(pid, SIGTERM));
    SHOW(syscall(SYS_tkill, getpid(), 0));
    SHOW(syscall(SYS_tkill, 0, 0));
    SHOW(syscall(SYS_tkill, 999999, SIGTERM));
    SHOW(syscall(SYS_tgkill, getpid(), getpid(), 65));
    SHOW(syscall(SYS_tgkill, 1, 999999, SIGTERM));
    return 0;
}
