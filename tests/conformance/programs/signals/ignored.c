/* SIG_IGN: nothing happens, even to pending ones; SIGKILL and SIGSTOP cannot be ignored. */
#include "check.h"
static void ignore(void)
{
    for (int n = 1; n < 32; n++)
        if (n != SIGKILL && n != SIGSTOP) {
            signal(n, SIG_IGN);
            raise(n);
        }
    puts("alive");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
    raise(SIGUSR1);
    sigpending(&set);
    SHOW(sigismember(&set, SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    sigpending(&set);
    SHOW(sigismember(&set, SIGUSR1));
    raise(SIGUSR1);
    sigpending(&set);
    SHOW(sigismember(&set, SIGUSR1));
}
int main(void)
{
    child(ignore);
    SHOW(signal(SIGKILL, SIG_IGN));
    SHOW(signal(SIGSTOP, SIG_IGN));
    return 0;
}
