/* clock_gettime(2), clock_getres(2), clock_settime(2): which clocks there are, and that they go. */
#include "check.h"
int main(void)
{
    struct timespec a, b;
    int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                    CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, 10, 99, -1};
    for (size_t i = 0; i < COUNT(clocks); i++) {
        printf("clock %d\n", clocks[i]);
        SHOW(clock_gettime(clocks[i], &a));
        SHOW(syscall(SYS_clock_gettime, clocks[i], &b));
        IS(b.tv_sec * 1000000000l + b.tv_nsec >= a.tv_sec * 1000000000l + a.tv_nsec && b.tv_nsec < 1000000000);
        SHOW(clock_getres(clocks[i], &a));
    }
    SHOW(syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD));
    SHOW(clock_getres(CLOCK_REALTIME, NULL));
    SHOW(syscall(SYS_clock_getres, CLOCK_REALTIME, BAD));
    clockid_t mine;
    RC(clock_getcpuclockid(0, &mine));
    SHOW(clock_gettime(mine, &a));
    RC(clock_getcpuclockid(999999, &mine));
    clock_gettime(CLOCK_REALTIME, &a);
    IS(labs(time(NULL) - a.tv_sec) <= 1);
    struct timeval tv;
    SHOW(gettimeofday(&tv, NULL));
    IS(labs(tv.tv_sec - a.tv_sec) <= 1 && tv.tv_usec < 1000000);
    SHOW(syscall(SYS_gettimeofday, BAD, NULL));
    IS(syscall(SYS_time, NULL) - a.tv_sec <= 1);
    return 0;
}
