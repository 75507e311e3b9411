/* What a handler is told: who sent it, how, with which value. */
#include "check.h"
static pid_t sender;
static void handler(int n, siginfo_t *info, void *context)
{
    printf("%s: signo %d code %d errno %d", signal_name(n), info->si_signo == n, info->si_code, info->si_errno);
    if (n == SIGCHLD)
        printf(" status %d pid %s uid %d", info->si_status, info->si_pid == sender ? "child" : "other", info->si_uid);
    else if (info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL)
        printf(" pid %s uid %d value %d", info->si_pid == getpid() ? "own" : info->si_pid == sender ? "child" : "other",
               info->si_uid, info->si_code == SI_QUEUE ? info->si_value.sival_int : 0);
    printf(" context %d\n", context != NULL);
}
static void send(void) { sender = getpid(); kill(getppid(), SIGUSR2); }
int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    int numbers[] = {SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM, SIGRTMIN + 3};
    for (size_t i = 0; i < COUNT(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(raise(SIGUSR1));
    SHOW(sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 4711}));
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD), sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sender = start(send);
    siginfo_t info;
    waitid(P_PID, sender, &info, WEXITED | WNOWAIT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    reap("send", sender);
    struct itimerval soon = {{0, 0}, {0, 1000}};
    sigset_t others = set;
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    SHOW(sigsuspend(&others));
    return 0;
}
