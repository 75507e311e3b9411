/* SA_NODEFER, SA_RESETHAND, sa_mask; what sigaction(2) gives back. */
#include "check.h"
static volatile int depth;
static void again(int n)
{
    if (++depth < 4)
        raise(n);
    printf("depth %d\n", depth--);
}
static void once(int n) { printf("once %s\n", signal_name(n)); }
static void dies(void) { raise(SIGUSR2); raise(SIGUSR2); }
int main(void)
{
    struct sigaction action = {.sa_handler = again, .sa_flags = SA_NODEFER}, old;
    SHOW(sigaction(SIGUSR1, &action, NULL));
    raise(SIGUSR1);
    action.sa_handler = once;
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    sigaddset(&action.sa_mask, SIGHUP);
    sigaddset(&action.sa_mask, SIGKILL);
    SHOW(sigaction(SIGUSR2, &action, NULL));
    SHOW(sigaction(SIGUSR2, NULL, &old));
    IS(old.sa_handler == once);
    HEX(old.sa_flags & ~0x04000000);
    IS(sigismember(&old.sa_mask, SIGHUP));
    IS(sigismember(&old.sa_mask, SIGKILL));
    child(dies);
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(SIGSTOP, &action, NULL));
    SHOW(sigaction(SIGKILL, NULL, &old));
    SHOW(sigaction(0, &action, NULL));
    SHOW(sigaction(65, &action, NULL));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 4));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8));
    SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, BAD, 8));
    return 0;
}
