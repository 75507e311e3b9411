/* A pseudo-terminal: /dev/ptmx, its name, locks, both ways, modes of lines, the end. */
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
int main(void)
{
    char room[64] = "", *name;
    int master, slave;
    OK(master = posix_openpt(O_RDWR | O_NOCTTY));
    OK(open(ptsname(master), O_RDWR | O_NOCTTY));
    SHOW(grantpt(master));
    SHOW(unlockpt(master));
    name = ptsname(master);
    IS(strncmp(name, "/dev/pts/", 9) == 0);
    OK(slave = open(name, O_RDWR | O_NOCTTY));
    SHOW(isatty(slave));
    SHOW(isatty(master));
    IS(strcmp(ttyname(slave), name) == 0);
    SHOW(write(master, "line\n", 5));
    SHOW(read(slave, room, 64));
    memset(room, 0, 64);
    SHOW(read(master, room, 64));
    TEXT(room);
    SHOW(write(slave, "out\n", 4));
    memset(room, 0, 64);
    SHOW(read(master, room, 64));
    TEXT(room);
    SHOW(write(master, "ab\177c\n", 5));
    memset(room, 0, 64);
    SHOW(read(slave, room, 64));
    TEXT(room);
    SHOW(read(master, room, 64));
    SHOW(write(master, "half\4", 5));
    memset(room, 0, 64);
    SHOW(read(slave, room, 64));
    TEXT(room);
    SHOW(write(master, "\4", 1));
    SHOW(read(slave, room, 64));
    SHOW(close(slave));
    SHOW(fcntl(master, F_SETFL, O_NONBLOCK));
    while (read(master, room, 64) > 0)
        ;
    SHOW(errno);
    return 0;
}
