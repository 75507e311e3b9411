/* siglongjmp(3) out of handlers, many times; the mask comes back. */
#include "check.h"
static sigjmp_buf back;
static void handler(int n UNUSED) { siglongjmp(back, 1); }
int main(void)
{
    volatile int jumps = 0;
    struct sigaction action = {.sa_handler = handler};
    sigset_t set;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    while (jumps < 100)
        if (sigsetjmp(back, 1) == 0) {
            if (jumps % 2)
                raise(SIGUSR1);
            else
                *(volatile int *)BAD = 1;
        } else
            jumps++;
    SHOW(jumps);
    sigprocmask(SIG_BLOCK, NULL, &set);
    IS(sigismember(&set, SIGUSR1) || sigismember(&set, SIGSEGV));
    return 0;
}
