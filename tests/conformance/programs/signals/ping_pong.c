/* Two processes that signal one another in turn. */
#include "check.h"
static volatile int caught;
static void handler(int n UNUSED) { caught++; }
static sigset_t empty;
static void wait_for(int n)
{
    while (caught < n)
        sigsuspend(&empty);
}
static void other(void)
{
    for (int i = 1; i <= 100; i++) {
        wait_for(i);
        kill(getppid(), SIGUSR1);
    }
}
int main(void)
{
    sigset_t set;
    sigemptyset(&empty), sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, handler);
    pid_t pid = start(other);
    for (int i = 1; i <= 100; i++) {
        kill(pid, SIGUSR1);
        wait_for(i);
    }
    SHOW(caught);
    reap("other", pid);
    return 0;
}
