/* clone(2): ids written for parent and child, exit signals, impossible combinations. */
#include "check.h"
#include <sched.h>
static volatile int caught;
static void on_signal(int n) { caught = n; }
int main(void)
{
    pid_t parent_tid = -1, child_tid = -1;
    int status;
    signal(SIGUSR1, on_signal);
    pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0, &parent_tid, &child_tid, 0);
    if (pid == 0)
        _exit(child_tid == getpid() ? 11 : 12);
    IS(parent_tid == pid);
    reap("set tid", pid);
    IS(child_tid == -1);
    pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
    if (pid == 0)
        _exit(13);
    SHOW(waitpid(pid, &status, 0) == -1 ? errno : 0);
    IS(waitpid(pid, &status, __WALL) == pid);
    show_status("exit signal", status);
    IS(caught == SIGUSR1);
    pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (pid == 0)
        _exit(14);
    IS(waitpid(pid, &status, __WCLONE) == pid);
    show_status("no signal", status);
    SHOW(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
    SHOW(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    SHOW(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
    return 0;
}
