/* SIGPIPE ends a program that writes on. */
#include "check.h"
static void yes(void)
{
    for (;;)
        if (write(1, "y\n", 2) != 2)
            _exit(3);
}
int main(void)
{
    int p[2];
    char room[10];
    SHOW(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(p[1], 1);
        close(p[0]), close(p[1]);
        yes();
    }
    close(p[1]);
    SHOW(read(p[0], room, 10) > 0);
    close(p[0]);
    reap("yes", pid);
    return 0;
}
