/* A fault whose signal is blocked or ignored kills all the same. */
#include "check.h"
static void blocked(void)
{
    sigset_t set;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    *(volatile int *)BAD = 1;
}
static void ignored(void)
{
    signal(SIGSEGV, SIG_IGN);
    *(volatile int *)BAD = 1;
}
static void handler(int n UNUSED) { *(volatile int *)BAD = 1; }
static void again(void)
{
    signal(SIGSEGV, handler);
    *(volatile int *)BAD = 1;
}
static void sent(void)
{
    signal(SIGSEGV, SIG_IGN);
    SHOW(raise(SIGSEGV));
    _exit(4);
}
int main(void)
{
    child(blocked);
    child(ignored);
    child(again);
    child(sent);
    return 0;
}
