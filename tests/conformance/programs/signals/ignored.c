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
/* What a default action ignores is gone as soon as the action is set, though it was that before. */
static void set_again(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD), sigaddset(&set, SIGURG), sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGCHLD), raise(SIGURG), raise(SIGTERM);
    sigpending(&set);
    SHOW(sigismember(&set, SIGCHLD)), SHOW(sigismember(&set, SIGURG)), SHOW(sigismember(&set, SIGTERM));
    signal(SIGCHLD, SIG_DFL), signal(SIGTERM, SIG_DFL);
    sigpending(&set);
    SHOW(sigismember(&set, SIGCHLD)), SHOW(sigismember(&set, SIGURG)), SHOW(sigismember(&set, SIGTERM));
}
int main(void)
{
    child(ignore);
    child(set_again);
    SHOW(signal(SIGKILL, SIG_IGN));
    SHOW(signal(SIGSTOP, SIG_IGN));
    return 0;
}
