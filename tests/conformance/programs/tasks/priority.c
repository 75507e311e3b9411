/* getpriority(2), setpriority(2), nice(2): as root. */
#include "check.h"
#include <sys/resource.h>
static void weaker(void)
{
    SHOW(nice(5));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 100));
    SHOW(getpriority(PRIO_PROCESS, 0));
}
int main(void)
{
    SHOW(getpriority(PRIO_PROCESS, 0));
    child(weaker);
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(getpriority(PRIO_PROCESS, 999999));
    SHOW(getpriority(9, 0));
    SHOW(setpriority(PRIO_PROCESS, 999999, 0));
    SHOW(setpriority(9, 0, 0));
    SHOW(getpriority(PRIO_USER, 0) <= 0);
    return 0;
}
