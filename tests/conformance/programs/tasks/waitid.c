/* waitid(2): siginfo, WNOWAIT, WNOHANG, stopped and continued children, errors. */
#include "check.h"
static int go[2];
static void waits(void) { await(go); _exit(9); }
static void stops(void) { raise(SIGSTOP); _exit(1); }
static void dies(void) { raise(SIGKILL); }
static void show(siginfo_t *info, pid_t pid)
{
    printf("  signo %d code %d status %d pid %s uid %d\n", info->si_signo, info->si_code, info->si_status,
           info->si_pid == pid ? "child" : info->si_pid ? "other" : "0", info->si_uid);
    memset(info, 0, sizeof *info);
}
int main(void)
{
    siginfo_t info = {0};
    SHOW(pipe(go));
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    pid_t pid = start(waits);
    SHOW(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
    show(&info, pid);
    tell(go);
    SHOW(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    show(&info, pid);
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    show(&info, pid);
    pid = start(stops);
    SHOW(waitid(P_PID, pid, &info, WSTOPPED));
    show(&info, pid);
    SHOW(kill(pid, SIGCONT));
    SHOW(waitid(P_ALL, 0, &info, WCONTINUED | WNOWAIT) == 0 || errno == ECHILD);
    memset(&info, 0, sizeof info);
    SHOW(waitid(P_PID, pid, &info, WEXITED));
    show(&info, pid);
    pid = start(dies);
    SHOW(waitid(P_ALL, 0, &info, WEXITED));
    show(&info, pid);
    SHOW(waitid(P_ALL, 0, &info, 0));
    SHOW(waitid(P_ALL, 0, &info, WNOHANG));
    SHOW(waitid(P_PID, 0, &info, WEXITED));
    SHOW(waitid(99, 1, &info, WEXITED));
    SHOW(waitid(P_PIDFD, 99, &info, WEXITED));
    return 0;
}
