/* tcgetattr(3), tcsetattr(3): defaults, raw mode, no echo, VMIN and VTIME, speeds, sizes. */
#include "check.h"
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>
int main(void)
{
    char room[64] = "";
    int master, slave, n;
    struct termios t;
    struct winsize size = {24, 80, 0, 0}, got;
    SHOW(openpty(&master, &slave, NULL, NULL, &size));
    SHOW(tcgetattr(slave, &t));
    printf("iflag %#x oflag %#x cflag %#x lflag %#x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
    for (int i = 0; i < 17; i++)
        printf("%d ", t.c_cc[i]);
    puts("");
    SHOW(ioctl(slave, TIOCGWINSZ, &got));
    SHOW(got.ws_row * 1000 + got.ws_col);
    got.ws_row = 50;
    SHOW(ioctl(master, TIOCSWINSZ, &got));
    SHOW(ioctl(slave, TIOCGWINSZ, &size));
    SHOW(size.ws_row);
    cfmakeraw(&t);
    SHOW(tcsetattr(slave, TCSANOW, &t));
    SHOW(write(master, "x\3\4\n", 4));
    SHOW(read(slave, room, 64));
    SHOW(ioctl(master, FIONREAD, &n));
    SHOW(n);
    SHOW(write(slave, "a\nb", 3));
    SHOW(read(master, room, 64));
    t.c_cc[VMIN] = 0, t.c_cc[VTIME] = 0;
    SHOW(tcsetattr(slave, TCSADRAIN, &t));
    SHOW(read(slave, room, 64));
    t.c_cc[VMIN] = 3;
    SHOW(tcsetattr(slave, TCSAFLUSH, &t));
    SHOW(write(master, "abc", 3));
    SHOW(read(slave, room, 64));
    SHOW(cfgetospeed(&t) == B38400);
    SHOW(tcflush(slave, TCIOFLUSH));
    SHOW(tcdrain(slave));
    SHOW(tcflow(slave, TCOON));
    SHOW(tcsendbreak(slave, 0));
    SHOW(ioctl(slave, TCGETS, BAD));
    SHOW(ioctl(slave, TIOCGWINSZ, BAD));
    SHOW(tcsetattr(slave, 99, &t));
    SHOW(ioctl(slave, TIOCGPGRP, &n));
    return 0;
}
