/* A process that executes itself a hundred times over keeps its id and leaks no descriptor. */
#include "check.h"
int main(int argc, char **argv)
{
    char number[16], pid[16];
    int left = argc > 1 ? atoi(argv[1]) : 30;
    sprintf(pid, "%d", getpid());
    if (argc > 2 && strcmp(pid, argv[2]) != 0)
        return 1;
    if (left == 0) {
        SHOW(dup(1));
        return 0;
    }
    sprintf(number, "%d", left - 1);
    (void)!fcntl(1, F_DUPFD_CLOEXEC, 50);
    execl(argv[0], argv[0], number, pid, NULL);
    return 2;
}
