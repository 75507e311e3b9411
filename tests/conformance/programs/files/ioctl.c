/* ioctl(2) that work on any descriptor, and what is no terminal. */
#include "check.h"
#include <sys/ioctl.h>
#include <termios.h>
int main(void)
{
    int fd = file_of("f", "0123456789"), pipes[2], waiting = -1, on = 1, off = 0;
    struct winsize size;
    SHOW(pipe(pipes));
    SHOW(write(pipes[1], "abc", 3));
    SHOW(ioctl(pipes[0], FIONREAD, &waiting));
    SHOW(waiting);
    SHOW(lseek(fd, 4, SEEK_SET));
    SHOW(ioctl(fd, FIONREAD, &waiting));
    SHOW(waiting);
    SHOW(ioctl(pipes[0], FIONBIO, &on));
    IS(fcntl(pipes[0], F_GETFL) & O_NONBLOCK);
    SHOW(ioctl(pipes[0], FIONBIO, &off));
    SHOW(ioctl(fd, FIOCLEX));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, FIONCLEX));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ioctl(fd, TIOCGWINSZ, &size));
    SHOW(ioctl(pipes[0], TCGETS, &size));
    SHOW(ioctl(-1, FIONREAD, &waiting));
    SHOW(ioctl(pipes[0], FIONREAD, BAD));
    SHOW(ioctl(fd, 0x12345678, 0));
    SHOW(isatty(fd));
    return 0;
}
