/* rt_sigprocmask(2), rt_sigpending(2): one pending of each kind, lowest first when let go; errors. */
#include "check.h"
static void handler(int n) { printf("  %s\n", signal_name(n)); }
int main(void)
{
    sigset_t set, old;
    int numbers[] = {SIGTERM, SIGUSR1, SIGHUP, SIGUSR2, SIGUSR1, SIGHUP};
    sigemptyset(&set);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        signal(numbers[i], handler);
        sigaddset(&set, numbers[i]);
    }
    SHOW(sigprocmask(SIG_BLOCK, &set, &old));
    IS(sigismember(&old, SIGHUP));
    for (size_t i = 0; i < COUNT(numbers); i++)
        raise(numbers[i]);
    sigpending(&set);
    for (int n = 1; n < 32; n++)
        if (sigismember(&set, n))
            printf("pending %s\n", signal_name(n));
    SHOW(sigprocmask(SIG_SETMASK, &old, NULL));
    sigfillset(&set);
    SHOW(sigprocmask(SIG_SETMASK, &set, NULL));
    SHOW(sigprocmask(SIG_SETMASK, &old, &set));
    IS(sigismember(&set, SIGKILL));
    IS(sigismember(&set, SIGSTOP));
    IS(sigismember(&set, SIGTERM));
    SHOW(sigprocmask(99, &set, NULL));
    SHOW(sigprocmask(99, NULL, &set));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 16));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, BAD, 8));
    SHOW(syscall(SYS_rt_sigpending, BAD, 8));
    SHOW(syscall(SYS_rt_sigpending, &set, 9));
    return 0;
}
