/* SIGCHLD: handlers, SA_NOCLDSTOP, SA_NOCLDWAIT and SIG_IGN reap by themselves. */
#include "check.h"
static volatile int caught, code;
static void handler(int n UNUSED, siginfo_t *info, void *context UNUSED) { caught++; code = info->si_code; }
static int ready[2];
static void leaves(void) {}
static void stops(void) { raise(SIGSTOP); }
static void settle(int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
    sigaction(SIGCHLD, &action, NULL);
    caught = code = 0;
}
int main(void)
{
    SHOW(pipe(ready));
    settle(0);
    child(leaves);
    SHOW(caught);
    SHOW(code == CLD_EXITED);
    settle(0);
    pid_t pid = start(stops);
    waitpid(pid, NULL, WUNTRACED);
    SHOW(caught);
    SHOW(code == CLD_STOPPED);
    settle(SA_NOCLDSTOP);
    kill(pid, SIGCONT);
    reap("stops", pid);
    SHOW(caught);
    settle(SA_NOCLDWAIT);
    pid = start(leaves);
    SHOW(waitpid(pid, NULL, 0));
    SHOW(caught);
    signal(SIGCHLD, SIG_IGN);
    pid = start(leaves);
    SHOW(waitpid(pid, NULL, 0));
    SHOW(wait(NULL));
    signal(SIGCHLD, SIG_DFL);
    child(leaves);
    return 0;
}
