/* nanosleep, gettimeofday, time and alarm by their numbers; adjtimex(2) and clock_adjtime(2), which only tell. */
#include "check.h"
#include <sys/timex.h>
#include <sys/timerfd.h>
#define RAW(name, ...) syscall(SYS_##name, __VA_ARGS__)
static void nobody(int n UNUSED) {}
int main(void)
{
    struct timespec left = {0, 0};
    struct timeval now;
    struct timezone zone = {-1, -1};
    SHOW(RAW(nanosleep, &((struct timespec){0, 1000}), NULL));
    SHOW(RAW(nanosleep, &((struct timespec){0, 1000000000}), NULL));
    SHOW(RAW(nanosleep, &((struct timespec){-1, 0}), NULL));
    SHOW(RAW(nanosleep, BAD, NULL));
    signal(SIGALRM, nobody);
    SHOW(setitimer(ITIMER_REAL, &(struct itimerval){{0, 20000}, {0, 20000}}, NULL));
    SHOW(RAW(nanosleep, &((struct timespec){30, 0}), &left));
    SHOW(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL));
    IS(left.tv_sec > 20 && left.tv_sec < 30);
    SHOW(RAW(gettimeofday, &now, &zone));
    IS(now.tv_sec > 1700000000 && zone.tz_minuteswest == 0);
    SHOW(RAW(gettimeofday, BAD, NULL));
    SHOW(RAW(gettimeofday, NULL, NULL));
    IS(RAW(time, NULL) >= now.tv_sec);
    SHOW(RAW(time, BAD));
    SHOW(RAW(alarm, 100));
    SHOW(RAW(alarm, 0));
    struct timex about = {0};
    IS(RAW(adjtimex, &about) >= 0 && about.tick >= 9000 && about.tick <= 11000);
    SHOW(RAW(adjtimex, BAD));
    about.modes = ADJ_TICK;
    SHOW(RAW(adjtimex, &about));
    about.modes = 0;
    IS(RAW(clock_adjtime, CLOCK_REALTIME, &about) >= 0);
    SHOW(RAW(clock_adjtime, CLOCK_MONOTONIC, &about));
    SHOW(RAW(clock_adjtime, 99, &about));
    SHOW(RAW(clock_adjtime, CLOCK_REALTIME, BAD));
    SHOW(RAW(settimeofday, &now, NULL));
    SHOW(RAW(clock_settime, CLOCK_REALTIME, &left));
    struct itimerspec spec;
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    SHOW(timerfd_gettime(fd, &spec));
    SHOW(timerfd_gettime(0, &spec));
    SHOW(timerfd_gettime(99, &spec));
    SHOW(RAW(timerfd_gettime, fd, BAD));
    SHOW(RAW(timer_getoverrun, 1234));
    SHOW(RAW(timer_gettime, 1234, &spec));
    SHOW(RAW(timer_delete, 1234));
    return 0;
}
