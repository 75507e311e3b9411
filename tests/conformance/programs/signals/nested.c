/* Handlers within handlers; the mask during one and after it. */
#include "check.h"
static volatile int depth;
static void show_mask(void)
{
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    for (int n = 1; n < 32; n++)
        if (sigismember(&set, n))
            printf(" %s", signal_name(n));
    puts("");
}
static void handler(int n)
{
    depth++;
    printf("enter %s at depth %d, blocked:", signal_name(n), depth);
    show_mask();
    if (n == SIGUSR1) {
        raise(SIGUSR1);
        raise(SIGUSR2);
        raise(SIGHUP);
    }
    if (n == SIGUSR2)
        raise(SIGINT);
    printf("leave %s\n", signal_name(n));
    depth--;
}
int main(void)
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR2, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaddset(&action.sa_mask, SIGHUP);
    sigaction(SIGUSR1, &action, NULL);
    static int once;
    if (!once++)
        raise(SIGUSR2);
    action.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGINT);
    printf("after, blocked:");
    show_mask();
    return 0;
}
