/* clone(2) with CLONE_FILES, CLONE_FS: one table of descriptors, one working directory. */
#include "check.h"
#include <sched.h>
static int pipes[2];
static void settle(int flags)
{
    pid_t pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
        (void)!chdir("/tmp");
        umask(0);
        dup2(1, 30);
        close(pipes[0]);
        _exit(0);
    }
    reap("clone", pid);
}
int main(void)
{
    char room[64];
    SHOW(pipe(pipes));
    SHOW(umask(022));
    settle(0);
    TEXT(getcwd(room, 64));
    SHOW(fcntl(30, F_GETFD));
    SHOW(fcntl(pipes[0], F_GETFD));
    settle(CLONE_FS);
    TEXT(getcwd(room, 64));
    SHOW(umask(022));
    settle(CLONE_FILES);
    SHOW(fcntl(30, F_GETFD));
    SHOW(fcntl(pipes[0], F_GETFD));
    return 0;
}
