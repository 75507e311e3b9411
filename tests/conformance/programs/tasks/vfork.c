/* vfork(2): the parent waits, memory is shared until exec or exit. */
#include "check.h"
static volatile int shared;
int main(int argc, char **argv)
{
    if (argc > 1) {
        puts("after exec");
        return 6;
    }
    pid_t pid = vfork();
    if (pid == 0) {
        shared = 1;
        _exit(5);
    }
    reap("exits", pid);
    SHOW(shared);
    pid = vfork();
    if (pid == 0) {
        execl(argv[0], argv[0], "again", NULL);
        _exit(9);
    }
    reap("execs", pid);
    pid = vfork();
    if (pid == 0) {
        execl("/missing", "missing", NULL);
        shared = errno;
        _exit(1);
    }
    reap("fails", pid);
    SHOW(shared);
    return 0;
}
