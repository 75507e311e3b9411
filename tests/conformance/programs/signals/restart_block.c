/* nanosleep(2) that was stopped and continued goes on for what is left of its time. */
#include "check.h"
static void sleeps(void)
{
    double begun = seconds_now();
    SHOW(nanosleep(&(struct timespec){0, 30000000}, NULL));
    IS(seconds_now() - begun >= 0.03);
}
int main(void)
{
    pid_t pid = start(sleeps);
    milliseconds(5);
    kill(pid, SIGSTOP);
    waitpid(pid, NULL, WUNTRACED);
    kill(pid, SIGCONT);
    reap("sleeps", pid);
    return 0;
}
