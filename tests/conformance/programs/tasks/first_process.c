/* Process 1: signals it has no handler for do nothing to it, not even SIGKILL from inside. */
#include "check.h"
static void attacker(void)
{
    SHOW(kill(1, SIGTERM));
    SHOW(kill(1, SIGKILL));
    SHOW(kill(1, SIGSTOP));
}
static volatile int caught;
static void on_signal(int n) { caught = n; }
int main(void)
{
    SHOW(getpid());
    SHOW(raise(SIGTERM));
    SHOW(raise(SIGKILL));
    child(attacker);
    signal(SIGUSR1, on_signal);
    SHOW(kill(1, SIGUSR1));
    SHOW(caught == SIGUSR1);
    puts("alive");
    return 0;
}
