/* clone3(2): its structure, a pidfd, errors. */
#include "check.h"
#include <linux/sched.h>
#include <poll.h>
int main(void)
{
    int pidfd = -1;
    pid_t tid = 0;
    struct clone_args args = {.flags = CLONE_PIDFD | CLONE_PARENT_SETTID, .pidfd = (uintptr_t)&pidfd, .parent_tid = (uintptr_t)&tid, .exit_signal = SIGCHLD};
    pid_t pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(21);
    if (pid < 0) { /* a sandbox may say that it knows none, and glibc takes clone(2) */
        IS(errno == ENOSYS);
        return 0;
    }
    IS(tid == pid && pidfd >= 0);
    SHOW(poll(&(struct pollfd){pidfd, POLLIN, 0}, 1, 5000));
    siginfo_t info;
    SHOW(waitid(P_PIDFD, pidfd, &info, WEXITED));
    SHOW(info.si_status);
    SHOW(syscall(SYS_clone3, &args, 8));
    SHOW(syscall(SYS_clone3, BAD, sizeof args));
    args.exit_signal = 200;
    SHOW(syscall(SYS_clone3, &args, sizeof args));
    return 0;
}
