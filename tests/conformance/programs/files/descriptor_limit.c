/* RLIMIT_NOFILE: no descriptor at or above it, and EMFILE when all are taken. */
#include "check.h"
#include <sys/resource.h>
int main(void)
{
    struct rlimit limit;
    SHOW(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = 16;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    int last = -1, fd;
    while ((fd = dup(1)) >= 0)
        last = fd;
    SHOW(last);
    SHOW(dup(1));
    OK(open("/", O_RDONLY));
    int pipes[2];
    SHOW(pipe(pipes));
    SHOW(dup2(1, 16));
    SHOW(fcntl(1, F_DUPFD, 16));
    SHOW(dup2(1, 15));
    SHOW(close(9));
    SHOW(pipe(pipes));
    SHOW(dup(1));
    return 0;
}
