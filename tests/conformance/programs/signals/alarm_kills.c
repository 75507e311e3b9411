/* SIGALRM without a handler ends a sleep and the process. */
#include "check.h"
static void sleeps(void)
{
    struct itimerval soon = {{0, 0}, {0, 3000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    pause();
    puts("never");
}
static void spins(void)
{
    struct itimerval soon = {{0, 0}, {0, 3000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    for (volatile int i = 0;; i++)
        ;
}
static void inherits_none(void)
{
    struct itimerval it;
    getitimer(ITIMER_REAL, &it);
    SHOW(it.it_value.tv_sec);
}
int main(void)
{
    child(sleeps);
    child(spins);
    alarm(50);
    child(inherits_none);
    return 0;
}
