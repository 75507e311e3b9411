/* flock(2) waits for the other's unlock, or until a signal comes. */
#include "check.h"
#include <sys/file.h>
static int ready[2], fd;
static void on_alarm(int n UNUSED) {}
static void waiter(void)
{
    close(fd); /* else the parent's lock would stay */
    int mine = open("f", O_RDWR);
    tell(ready);
    SHOW(flock(mine, LOCK_EX));
}
static void interrupted(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = {{0, 20000}, {0, 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
    int mine = open("f", O_RDWR);
    SHOW(flock(mine, LOCK_EX));
}
int main(void)
{
    fd = file_of("f", "");
    SHOW(pipe(ready));
    SHOW(flock(fd, LOCK_EX));
    child(interrupted);
    pid_t pid = start_aside(waiter);
    await(ready);
    until_asleep(pid);
    puts("unlocking");
    SHOW(close(fd));
    reap_aside("waiter", pid);
    return 0;
}
