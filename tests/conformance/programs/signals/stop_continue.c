/* Stop and continue: default actions, wait(2), handlers of SIGCONT, pending ones thrown away. */
#include "check.h"
static int ready[2], go[2];
static void stops(void)
{
    signal(SIGCONT, SIG_DFL);
    raise(SIGSTOP);
    raise(SIGTSTP);
    raise(SIGTTIN);
    _exit(6);
}
static void on_continue(int n) { printf("  %s\n", signal_name(n)); }
static void handles(void)
{
    signal(SIGCONT, on_continue);
    raise(SIGSTOP);
    puts("  after the stop");
    _exit(7);
}
static void runs(void)
{
    tell(ready);
    await(go);
    _exit(8);
}
static void waits_for(pid_t pid, int options, const char *who)
{
    int status;
    waitpid(pid, &status, options);
    show_status(who, status);
}
int main(void)
{
    SHOW(pipe(ready) | pipe(go));
    setpgid(0, 0);
    pid_t pid = start(stops);
    waits_for(pid, WUNTRACED, "SIGSTOP");
    SHOW(waitpid(pid, NULL, WUNTRACED | WNOHANG));
    SHOW(kill(pid, SIGCONT));
    waits_for(pid, WUNTRACED, "SIGTSTP");
    SHOW(kill(pid, SIGCONT));
    waits_for(pid, WUNTRACED, "SIGTTIN");
    SHOW(kill(pid, SIGCONT));
    waits_for(pid, WUNTRACED, "end");
    pid = start_aside(handles);
    waits_for(pid, WUNTRACED, "handles");
    SHOW(kill(pid, SIGCONT));
    reap_aside("handles", pid);
    pid = start(runs);
    await(ready);
    SHOW(kill(pid, SIGSTOP));
    waits_for(pid, WUNTRACED, "runs");
    SHOW(kill(pid, SIGCONT));
    waits_for(pid, WCONTINUED, "runs");
    tell(go);
    waits_for(pid, 0, "runs");
    pid = start(runs);
    await(ready);
    kill(pid, SIGSTOP);
    waits_for(pid, WUNTRACED, "killed while stopped");
    kill(pid, SIGTERM);
    SHOW(waitpid(pid, NULL, WNOHANG));
    kill(pid, SIGKILL);
    waits_for(pid, 0, "killed while stopped");
    return 0;
}
