/* getrlimit, setrlimit, ioprio_get, ioprio_set and getpriority by their numbers. */
#include "check.h"
#include <sys/resource.h>
#define RAW(name, ...) syscall(SYS_##name, __VA_ARGS__)
#define BEST_EFFORT(level) (2 << 13 | (level))
int main(void)
{
    struct rlimit limit = {50, 60};
    SHOW(RAW(setrlimit, RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 0;
    SHOW(RAW(getrlimit, RLIMIT_NOFILE, &limit));
    SHOW(limit.rlim_cur);
    SHOW(RAW(getrlimit, 99, &limit));
    SHOW(RAW(getrlimit, RLIMIT_NOFILE, BAD));
    SHOW(RAW(setrlimit, RLIMIT_NOFILE, BAD));
    limit.rlim_cur = 70;
    SHOW(RAW(setrlimit, RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 6;
    SHOW(RAW(setrlimit, RLIMIT_NOFILE, &limit));
    for (int i = 3; i < 7; i++)
        SHOW(dup(0));
    SHOW(fcntl(0, F_DUPFD, 6));
    SHOW(dup2(0, 6));
    SHOW(RAW(ioprio_set, 1, 0, BEST_EFFORT(6)));
    SHOW(RAW(ioprio_get, 1, 0));
    SHOW(RAW(ioprio_set, 1, 0, 7 << 13));
    SHOW(RAW(ioprio_set, 9, 0, BEST_EFFORT(6)));
    SHOW(RAW(ioprio_get, 1, 999999));
    SHOW(RAW(getpriority, PRIO_PROCESS, 0));
    SHOW(RAW(getpriority, 9, 0));
    SHOW(RAW(setpriority, PRIO_PROCESS, 0, 7));
    SHOW(RAW(getpriority, PRIO_PROCESS, 0));
    SHOW(RAW(getrusage, 9, &limit));
    SHOW(RAW(getrusage, RUSAGE_SELF, BAD));
    return 0;
}
