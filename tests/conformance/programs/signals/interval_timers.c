/* setitimer(2), getitimer(2), alarm(2): real, virtual and profiling time. */
#include "check.h"
static volatile int caught[65];
static void handler(int n) { caught[n]++; }
int main(void)
{
    struct itimerval it = {{0, 2000}, {0, 2000}}, old;
    signal(SIGALRM, handler), signal(SIGVTALRM, handler), signal(SIGPROF, handler);
    SHOW(setitimer(ITIMER_REAL, &it, NULL));
    while (caught[SIGALRM] < 3)
        pause();
    SHOW(getitimer(ITIMER_REAL, &old));
    IS(old.it_interval.tv_usec == 2000 && old.it_value.tv_usec <= 2000);
    it = (struct itimerval){0};
    SHOW(setitimer(ITIMER_REAL, &it, &old));
    SHOW(getitimer(ITIMER_REAL, &old));
    SHOW(old.it_value.tv_usec);
    it.it_value.tv_usec = 2000;
    SHOW(setitimer(ITIMER_VIRTUAL, &it, NULL));
    while (!caught[SIGVTALRM])
        ;
    SHOW(setitimer(ITIMER_PROF, &it, NULL));
    while (!caught[SIGPROF])
        ;
    SHOW(setitimer(9, &it, NULL));
    SHOW(getitimer(9, &it));
    SHOW(getitimer(ITIMER_REAL, BAD));
    SHOW(setitimer(ITIMER_REAL, BAD, NULL));
    it.it_value.tv_usec = 1000000;
    SHOW(setitimer(ITIMER_REAL, &it, NULL));
    SHOW(alarm(100));
    SHOW(alarm(0));
    SHOW(alarm(0));
    return 0;
}
