/* Job control: foreground and background groups, SIGTTIN, SIGTTOU, tcsetpgrp(3). */
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
static int slave, go[2];
static void reader(void)
{
    char room[8];
    setpgid(0, 0);
    await(go);
    SHOW(read(slave, room, 8));
}
static void writer(void)
{
    setpgid(0, 0);
    struct termios t;
    tcgetattr(slave, &t);
    await(go);
    SHOW(tcsetattr(slave, TCSANOW, &t));
}
static void job(void (*function)(void), const char *who)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        check_aside();
        function();
        fflush(stdout);
        _exit(0);
    }
    setpgid(pid, pid);
    tell(go);
    waitpid(pid, &status, WUNTRACED);
    show_status(who, status);
    SHOW(tcsetpgrp(slave, pid));
    SHOW(kill(-pid, SIGCONT));
    reap_aside(who, pid);
    signal(SIGTTOU, SIG_IGN);
    SHOW(tcsetpgrp(slave, getpid()));
    signal(SIGTTOU, SIG_DFL);
}
static void session(void)
{
    int master;
    setsid();
    SHOW(openpty(&master, &slave, NULL, NULL, NULL));
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    SHOW(pipe(go));
    SHOW(write(master, "line\n", 5));
    job(reader, "reader");
    job(writer, "writer");
    SHOW(tcsetpgrp(slave, 999999));
    SHOW(tcsetpgrp(0, getpid()));
    SHOW(ioctl(slave, TIOCNOTTY, 0) == 0 || errno);
}
int main(void)
{
    signal(SIGHUP, SIG_IGN);
    child(session);
    return 0;
}
