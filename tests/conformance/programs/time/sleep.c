/* nanosleep(2), clock_nanosleep(2): long enough, remainders, absolute times, errors. */
#include "check.h"
static void handler(int n UNUSED) {}
static void arm(void)
{
    struct itimerval soon = {{0, 3000}, {0, 3000}}; /* again and again: the first may come before the call */
    setitimer(ITIMER_REAL, &soon, NULL);
}
static void disarm(void)
{
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
}
int main(void)
{
    struct timespec short_ = {0, 2000000}, second = {1, 0}, left = {9, 9}, now;
    signal(SIGALRM, handler);
    double begun = seconds_now();
    SHOW(nanosleep(&short_, &left));
    SHOW(left.tv_sec);
    IS(seconds_now() - begun >= 0.002);
    arm();
    SHOW(nanosleep(&second, &left));
    disarm();
    IS(left.tv_sec == 0 && left.tv_nsec > 500000000 && left.tv_nsec < 1000000000);
    arm();
    RC(clock_nanosleep(CLOCK_MONOTONIC, 0, &second, &left));
    disarm();
    IS(left.tv_nsec > 500000000);
    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec += 1;
    arm();
    left.tv_sec = 77;
    RC(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, &left));
    disarm();
    SHOW(left.tv_sec);
    clock_gettime(CLOCK_REALTIME, &now);
    RC(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &now, NULL));
    SHOW(nanosleep(&(struct timespec){0, 1000000000}, NULL));
    SHOW(nanosleep(&(struct timespec){-1, 0}, NULL));
    SHOW(nanosleep(BAD, NULL));
    SHOW(nanosleep(&(struct timespec){0, 0}, BAD));
    RC(clock_nanosleep(99, 0, &short_, NULL));
    SHOW(usleep(1000));
    return 0;
}
