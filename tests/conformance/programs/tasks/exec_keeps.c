/* What execve(2) keeps and what it resets: descriptors, signals, masks, ids, working directory, name. */
#include "check.h"
#include <sys/prctl.h>
#include <sys/resource.h>
static void handler(int n UNUSED) {}
static int after(char **argv)
{
    char room[64];
    sigset_t set;
    struct sigaction action;
    stack_t stack;
    SHOW(fcntl(10, F_GETFD));
    SHOW(fcntl(11, F_GETFD));
    SHOW(lseek(10, 0, SEEK_CUR));
    sigaction(SIGUSR1, NULL, &action);
    IS(action.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, NULL, &action);
    IS(action.sa_handler == SIG_IGN);
    sigprocmask(SIG_BLOCK, NULL, &set);
    IS(sigismember(&set, SIGHUP));
    IS(sigismember(&set, SIGINT));
    sigpending(&set);
    IS(sigismember(&set, SIGHUP));
    sigaltstack(NULL, &stack);
    SHOW(stack.ss_flags);
    IS(atoi(argv[2]) == getpid());
    SHOW(umask(0));
    TEXT(getcwd(room, 64));
    SHOW(prctl(PR_GET_NAME, room));
    TEXT(room);
    SHOW(getpriority(PRIO_PROCESS, 0));
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    SHOW(limit.rlim_cur);
    SHOW(alarm(0) > 0);
    SHOW(prctl(PR_GET_PDEATHSIG, room));
    return 0;
}
int main(int argc, char **argv)
{
    static char stack[32768];
    char pid[16];
    if (argc > 1)
        return after(argv);
    int fd = file_of("f", "0123456789");
    dup2(fd, 10), dup3(fd, 11, O_CLOEXEC);
    lseek(fd, 6, SEEK_SET);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_SETMASK, &set, NULL);
    raise(SIGHUP);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    umask(027);
    (void)!chdir("/tmp");
    prctl(PR_SET_NAME, "before");
    setpriority(PRIO_PROCESS, 0, 3);
    alarm(100);
    sprintf(pid, "%d", getpid());
    execl(argv[0], "whatever", "again", pid, NULL);
    return 1;
}
