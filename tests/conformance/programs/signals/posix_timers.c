/* timer_create(2) and its family: signals with values, threads, overruns, none; errors. */
#include "check.h"
static volatile int caught, value;
static void handler(int n UNUSED, siginfo_t *info, void *context UNUSED)
{
    caught++;
    value = info->si_code == SI_TIMER ? info->si_value.sival_int : -1;
}
int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42};
    struct itimerspec spec = {{0, 0}, {0, 2000000}}, left;
    timer_t timer;
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    SHOW(timer_gettime(timer, &left));
    SHOW(left.it_value.tv_sec + left.it_value.tv_nsec);
    SHOW(timer_settime(timer, 0, &spec, NULL));
    while (!caught)
        pause();
    SHOW(value);
    SHOW(timer_getoverrun(timer));
    spec.it_interval.tv_nsec = 1000000;
    SHOW(timer_settime(timer, 0, &spec, NULL));
    while (caught < 4)
        pause();
    spec = (struct itimerspec){0};
    SHOW(timer_settime(timer, 0, &spec, &left));
    SHOW(left.it_interval.tv_nsec);
    clock_gettime(CLOCK_REALTIME, &spec.it_value);
    caught = 0;
    SHOW(timer_delete(timer));
    SHOW(timer_create(CLOCK_REALTIME, &event, &timer));
    SHOW(timer_settime(timer, TIMER_ABSTIME, &spec, NULL));
    while (!caught)
        ;
    SHOW(timer_delete(timer));
    SHOW(timer_delete(timer));
    SHOW(syscall(SYS_timer_gettime, 12345, &left));
    SHOW(timer_create(99, &event, &timer));
    event.sigev_signo = 99;
    SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
    SHOW(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    spec.it_value = (struct timespec){0, 1000000};
    caught = 0;
    SHOW(timer_settime(timer, 0, &spec, NULL));
    while (!caught)
        ;
    event.sigev_notify = SIGEV_NONE;
    SHOW(timer_create(CLOCK_BOOTTIME, &event, &timer));
    spec.it_value.tv_nsec = 1000000000;
    SHOW(timer_settime(timer, 0, &spec, NULL));
    return 0;
}
