/* sigaltstack(2): where handlers run, SS_ONSTACK, SS_DISABLE, SS_AUTODISARM, errors. */
#include "check.h"
static char area[65536];
static int within(void *p) { return (char *)p >= area && (char *)p < area + sizeof area; }
static void handler(int n UNUSED)
{
    char here;
    stack_t now;
    printf("on the alternate stack: %d\n", within(&here));
    SHOW(sigaltstack(NULL, &now));
    SHOW(now.ss_flags);
    if (within(&here) && now.ss_flags == SS_ONSTACK) {
        stack_t other = {.ss_sp = area, .ss_size = sizeof area};
        SHOW(sigaltstack(&other, NULL));
    }
}
int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    stack_t stack = {.ss_sp = area, .ss_size = sizeof area}, old;
    SHOW(sigaltstack(NULL, &old));
    SHOW(old.ss_flags);
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    SHOW(sigaltstack(&stack, &old));
    raise(SIGUSR1);
    action.sa_flags = 0;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, NULL);
    stack.ss_flags = 1u << 31;
    SHOW(sigaltstack(&stack, NULL));
    raise(SIGUSR1);
    SHOW(sigaltstack(NULL, &old));
    HEX((unsigned)old.ss_flags);
    stack.ss_flags = SS_DISABLE;
    SHOW(sigaltstack(&stack, &old));
    raise(SIGUSR1);
    stack.ss_flags = 0x77;
    SHOW(sigaltstack(&stack, NULL));
    stack.ss_flags = 0, stack.ss_size = 100;
    SHOW(sigaltstack(&stack, NULL));
    SHOW(sigaltstack(BAD, NULL));
    SHOW(sigaltstack(NULL, BAD));
    return 0;
}
