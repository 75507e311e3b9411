/* sched_getaffinity(2), sched_setaffinity(2), policies, sched_yield(2), getcpu(2). */
#include "check.h"
#include <sched.h>
int main(void)
{
    cpu_set_t set, one;
    struct sched_param param = {0};
    IS(sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0);
    int cpu = -1;
    while (!CPU_ISSET(++cpu, &set))
        ;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    SHOW(sched_setaffinity(0, sizeof one, &one));
    IS(sched_getcpu() == cpu);
    SHOW(sched_getaffinity(0, sizeof set, &set));
    SHOW(CPU_COUNT(&set));
    CPU_ZERO(&one);
    SHOW(sched_setaffinity(0, sizeof one, &one));
    SHOW(sched_getaffinity(999999, sizeof set, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 1, &set));
    SHOW(syscall(SYS_sched_getaffinity, 0, sizeof set, BAD));
    SHOW(sched_getscheduler(0));
    SHOW(sched_getparam(0, &param));
    SHOW(param.sched_priority);
    SHOW(sched_setscheduler(0, SCHED_BATCH, &param));
    SHOW(sched_getscheduler(0));
    SHOW(sched_setscheduler(0, SCHED_OTHER, &param));
    SHOW(sched_setscheduler(0, 99, &param));
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_min(SCHED_FIFO));
    SHOW(sched_yield());
    return 0;
}
