/* sigsuspend(2): another mask while waiting, the old one after. */
#include "check.h"
static void handler(int n) { printf("  %s\n", signal_name(n)); }
int main(void)
{
    sigset_t set, pending;
    signal(SIGUSR1, handler);
    signal(SIGUSR2, handler);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    raise(SIGUSR2);
    sigdelset(&set, SIGUSR2);
    SHOW(sigsuspend(&set));
    sigpending(&pending);
    IS(sigismember(&pending, SIGUSR1));
    IS(sigismember(&pending, SIGUSR2));
    sigprocmask(SIG_BLOCK, NULL, &set);
    IS(sigismember(&set, SIGUSR2));
    SHOW(syscall(SYS_rt_sigsuspend, BAD, 8));
    SHOW(syscall(SYS_rt_sigsuspend, &set, 4));
    sigemptyset(&set);
    SHOW(sigsuspend(&set));
    return 0;
}
