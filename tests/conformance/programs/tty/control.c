/* A terminal of a session's own: TIOCSCTTY, /dev/tty, ^C and ^\ and ^Z, hanging up. */
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
static int master, slave, ready[2];
static void on_signal(int n) { printf("  %s\n", signal_name(n)); }
static void session(void)
{
    pid_t group;
    close(master);
    setsid();
    OK(open("/dev/tty", O_RDWR));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    int tty;
    OK(tty = open("/dev/tty", O_RDWR));
    SHOW(isatty(tty));
    SHOW(tcgetpgrp(tty) == getpid());
    SHOW(tcgetsid(tty) == getpid());
    SHOW(ioctl(tty, TIOCGPGRP, &group));
    signal(SIGINT, on_signal), signal(SIGQUIT, on_signal), signal(SIGTSTP, on_signal), signal(SIGWINCH, on_signal), signal(SIGHUP, on_signal);
    sigset_t set, old;
    sigfillset(&set);
    sigprocmask(SIG_BLOCK, &set, &old);
    for (int i = 0; i < 5; i++) {
        tell(ready);
        sigsuspend(&old);
    }
    char room[8];
    SHOW(read(slave, room, 8));
    SHOW(write(slave, "x", 1));
}
static void inner(void)
{
    SHOW(openpty(&master, &slave, NULL, NULL, NULL));
    SHOW(pipe(ready));
    pid_t pid = start_aside(session);
    close(slave);
    const char *keys[] = {"\3", "\34", "\32"};
    for (int i = 0; i < 3; i++) {
        await(ready);
        (void)!write(master, keys[i], 1);
    }
    await(ready);
    struct winsize size = {10, 20, 0, 0};
    ioctl(master, TIOCSWINSZ, &size);
    await(ready);
    SHOW(close(master));
    reap_aside("session", pid);
}
int main(void)
{
    child(inner);
    return 0;
}
