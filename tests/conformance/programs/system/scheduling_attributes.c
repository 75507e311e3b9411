/* sched_setattr(2), sched_getattr(2), sched_setparam(2), sched_rr_get_interval(2), and errors of their kin. */
#include "check.h"
#include <sched.h>
struct attributes { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; uint32_t low, high; };
int main(void)
{
    struct sched_param param = {0};
    struct attributes about = {.size = sizeof about, .policy = SCHED_BATCH, .nice = 5};
    struct timespec slice = {-1, -1};
    SHOW(sched_setparam(0, &param));
    param.sched_priority = 5;
    SHOW(sched_setparam(0, &param));
    SHOW(syscall(SYS_sched_setparam, 0, NULL));
    SHOW(sched_setparam(999999, &param));
    SHOW(sched_getparam(999999, &param));
    SHOW(syscall(SYS_sched_getparam, 0, BAD));
    SHOW(sched_getscheduler(999999));
    SHOW(sched_getscheduler(-1));
    SHOW(sched_get_priority_max(77));
    SHOW(sched_get_priority_min(77));
    SHOW(sched_rr_get_interval(0, &slice));
    IS(slice.tv_sec == 0 && slice.tv_nsec >= 0);
    SHOW(sched_rr_get_interval(999999, &slice));
    SHOW(syscall(SYS_sched_rr_get_interval, 0, BAD));
    SHOW(syscall(SYS_sched_setattr, 0, &about, 0));
    memset(&about, 0, sizeof about);
    SHOW(syscall(SYS_sched_getattr, 0, &about, sizeof about, 0));
    SHOW(about.policy);
    SHOW(about.nice);
    SHOW(syscall(SYS_sched_getattr, 0, &about, 4, 0));
    SHOW(syscall(SYS_sched_getattr, 0, BAD, sizeof about, 0));
    SHOW(syscall(SYS_sched_getattr, 999999, &about, sizeof about, 0));
    about.policy = 77, about.size = sizeof about;
    SHOW(syscall(SYS_sched_setattr, 0, &about, 0));
    SHOW(syscall(SYS_sched_setattr, 0, &about, 1));
    SHOW(syscall(SYS_sched_setattr, 0, BAD, 0));
    about.policy = SCHED_BATCH, about.size = 3;
    SHOW(syscall(SYS_sched_setattr, 0, &about, 0));
    SHOW(about.size >= 48);
    return 0;
}
