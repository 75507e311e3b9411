/* Real-time signals queue: each comes with its value, lowest number first, in order. */
#include "check.h"
static void handler(int n, siginfo_t *info, void *context UNUSED)
{
    printf("  %s value %d\n", signal_name(n), info->si_value.sival_int);
}
int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t set;
    sigemptyset(&set);
    sigfillset(&action.sa_mask);
    for (int i = 0; i < 3; i++) {
        sigaction(SIGRTMIN + i, &action, NULL);
        sigaddset(&set, SIGRTMIN + i);
    }
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 6; i++)
        SHOW(sigqueue(getpid(), SIGRTMIN + 2 - i % 3, (union sigval){.sival_int = i}));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    SHOW(sigqueue(getpid(), 65, (union sigval){0}));
    SHOW(sigqueue(999999, SIGUSR1, (union sigval){0}));
    siginfo_t forged = {.si_code = SI_USER};
    SHOW(syscall(SYS_rt_sigqueueinfo, 1, SIGUSR1, &forged) == 0 || errno == EPERM);
    SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD));
    return 0;
}
