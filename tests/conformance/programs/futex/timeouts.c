/* futex(2): relative and absolute timeouts, on both clocks. */
#include "check.h"
#include <linux/futex.h>
static int word;
static struct timespec in(int clock, long ms)
{
    struct timespec t;
    clock_gettime(clock, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000, t.tv_nsec %= 1000000000;
    return t;
}
int main(void)
{
    struct timespec t = {0, 3000000};
    double begun = seconds_now();
    SHOW(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0));
    IS(seconds_now() - begun >= 0.003);
    t = in(CLOCK_MONOTONIC, 3);
    SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY));
    t = in(CLOCK_REALTIME, 3);
    SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME | FUTEX_PRIVATE_FLAG, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY));
    t = (struct timespec){1, 0};
    SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &t, NULL, FUTEX_BITSET_MATCH_ANY));
    IS(seconds_now() - begun >= 0.009);
    return 0;
}
