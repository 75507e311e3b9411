/* getrlimit(2), setrlimit(2), prlimit(2): rules, inheritance, errors. */
#include "check.h"
#include <sys/resource.h>
static void heir(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    SHOW(limit.rlim_cur);
    SHOW(limit.rlim_max);
}
int main(void)
{
    struct rlimit limit = {100, 200}, old;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    SHOW(prlimit(0, RLIMIT_NOFILE, NULL, &old));
    SHOW(old.rlim_cur + old.rlim_max);
    limit.rlim_cur = 300;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 150, limit.rlim_max = 200;
    SHOW(prlimit(getpid(), RLIMIT_NOFILE, &limit, &old));
    SHOW(old.rlim_cur);
    child(heir);
    SHOW(getrlimit(99, &limit));
    SHOW(getrlimit(RLIMIT_NOFILE, BAD));
    SHOW(setrlimit(RLIMIT_NOFILE, BAD));
    SHOW(prlimit(999999, RLIMIT_NOFILE, NULL, &old));
    for (int i = 0; i < 16; i++)
        if (getrlimit(i, &limit))
            printf("%d: %s\n", i, strerrorname_np(errno));
    getrlimit(RLIMIT_CORE, &limit);
    SHOW(limit.rlim_cur);
    SHOW(sysconf(_SC_OPEN_MAX));
    return 0;
}
