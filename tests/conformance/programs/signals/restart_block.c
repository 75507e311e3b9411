/* nanosleep(2) that was stopped and continued goes on for what is left of its time. */
#include "check.h"
static void sleeps(void)
{
    double begun = seconds_now();
    SHOW(nanosleep(&(struct timespec){0, 300000000}, NULL));
    IS(seconds_now() - begun >= 0.3);
}
int main(void)
{
    pid_t pid = start(sleeps);
    until_asleep(pid);
    kill(pid, SIGSTOP);
    waitpid(pid, NULL, WUNTRACED);
    kill(pid, SIGCONT);
    reap("sleeps", pid);
    return 0;
}
