/* kill(2) of a process group, and of every process. */
#include "check.h"
static int ready[2];
static void sleeper(void)
{
    signal(SIGUSR1, SIG_DFL);
    tell(ready);
    pause();
}
static void group(void)
{
    setpgid(0, 0);
    pid_t pids[3];
    signal(SIGTERM, SIG_IGN);
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            signal(SIGTERM, SIG_DFL);
            sleeper();
        }
        await(ready);
    }
    SHOW(kill(0, SIGTERM));
    for (int i = 0; i < 3; i++)
        reap("member", pids[i]);
    SHOW(killpg(0, 0));
}
static volatile int caught;
static void on_signal(int n) { caught = n; }
static void everyone(void)
{
    signal(SIGUSR1, on_signal);
    pid_t pid = start(sleeper);
    await(ready);
    SHOW(kill(-1, SIGUSR1));
    reap("one of all", pid);
    SHOW(caught);
}
int main(void)
{
    SHOW(pipe(ready));
    child(group);
    signal(SIGUSR1, SIG_IGN);
    child(everyone);
    return 0;
}
