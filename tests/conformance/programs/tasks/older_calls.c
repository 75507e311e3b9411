/* fork, vfork, exit and set_tid_address by their numbers; personality(2); what never fails. */
#include "check.h"
#define RAW(name, ...) syscall(SYS_##name, __VA_ARGS__)
int main(void)
{
    int word = 0;
    pid_t pid = RAW(fork, 0);
    if (pid == 0)
        RAW(exit, 0x1234);
    reap("fork", pid);
    IS(RAW(set_tid_address, &word) == RAW(gettid, 0));
    IS(RAW(getpgrp, 0) == getpgid(0));
    SHOW(RAW(umask, 022) == RAW(umask, 022));
    SHOW(RAW(personality, 0xffffffff));
    SHOW(RAW(exit_group, 0x105) + 1);
    return 0;
}
