/* A stack that overflows: SIGSEGV on the alternate stack, or death without one. */
#include "check.h"
static char alternate[65536];
static volatile int depth;
static __attribute__((noinline)) int endless(int n)
{
    volatile char room[4096];
    room[0] = n;
    depth = n;
    return n < 0 ? 0 : endless(n + 1) + room[0];
}
static void on_fault(int n, siginfo_t *info, void *context UNUSED)
{
    char here;
    IS(n == SIGSEGV && info->si_addr != NULL);
    IS(&here >= alternate && &here < alternate + sizeof alternate);
    IS(depth > 1000);
    _exit(3);
}
static void with(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate}, NULL);
    sigaction(SIGSEGV, &action, NULL);
    endless(0);
}
static void without(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    endless(0);
}
int main(void)
{
    child(with);
    child(without);
    return 0;
}
