/* sigtimedwait(2), sigwait(3): pending ones are taken with their values; timeouts; errors. */
#include "check.h"
static int ready[2];
static void later(void) { await(ready); milliseconds(3); kill(getppid(), SIGUSR1); }
int main(void)
{
    siginfo_t info;
    sigset_t set;
    int got;
    SHOW(pipe(ready));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(sigtimedwait(&set, &info, &(struct timespec){0, 0}));
    SHOW(sigtimedwait(&set, &info, &(struct timespec){0, 2000000}));
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 6});
    IS(sigtimedwait(&set, &info, NULL) == SIGRTMIN);
    SHOW(info.si_value.sival_int);
    IS(sigwaitinfo(&set, &info) == SIGRTMIN);
    SHOW(info.si_value.sival_int);
    pid_t pid = start(later);
    tell(ready);
    SHOW(sigwaitinfo(&set, &info));
    IS(info.si_pid == pid && info.si_code == SI_USER);
    SHOW(sigwait(&set, &got));
    IS(got == SIGCHLD);
    reap("later", pid);
    SHOW(sigtimedwait(&set, NULL, &(struct timespec){0, 1000000000}));
    SHOW(sigtimedwait(&set, NULL, &(struct timespec){-1, 0}));
    SHOW(syscall(SYS_rt_sigtimedwait, BAD, NULL, NULL, 8));
    SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, BAD, 8));
    SHOW(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 7));
    return 0;
}
