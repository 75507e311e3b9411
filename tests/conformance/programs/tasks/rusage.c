/* getrusage(2), times(2): time passes, children count when they were waited for. */
#include "check.h"
#include <sys/resource.h>
#include <sys/times.h>
static void work(void)
{
    struct rusage usage;
    do
        getrusage(RUSAGE_SELF, &usage);
    while (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec < 20000);
}
int main(void)
{
    struct rusage usage;
    struct tms all;
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    IS(usage.ru_utime.tv_usec == 0);
    child(work);
    SHOW(getrusage(RUSAGE_CHILDREN, &usage));
    IS(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 10000);
    SHOW(getrusage(RUSAGE_SELF, &usage));
    IS(usage.ru_maxrss > 0);
    SHOW(getrusage(RUSAGE_THREAD, &usage));
    SHOW(getrusage(99, &usage));
    SHOW(getrusage(RUSAGE_SELF, BAD));
    OK(times(&all));
    IS(all.tms_cutime + all.tms_cstime >= 1);
    OK(times(NULL));
    OK(syscall(SYS_times, BAD));
    return 0;
}
