/* fcntl(2): flags of descriptors and of open files, owners, hints, errors. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "abc"), path = open("f", O_PATH);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_SETFD, 0));
    SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND | O_WRONLY | O_CREAT));
    HEX(fcntl(fd, F_GETFL) & ~0100000);
    SHOW(fcntl(fd, F_SETFL, 0));
    HEX(fcntl(fd, F_GETFL) & ~0100000);
    SHOW(fcntl(fd, F_SETOWN, getpid()));
    IS(fcntl(fd, F_GETOWN) == getpid());
    SHOW(fcntl(fd, F_SETSIG, SIGUSR1));
    SHOW(fcntl(fd, F_GETSIG));
    SHOW(fcntl(fd, F_SETSIG, 100));
    SHOW(fcntl(fd, 9999, 0));
    SHOW(fcntl(-1, F_GETFD));
    SHOW(fcntl(path, F_GETFD));
    HEX(fcntl(path, F_GETFL) & ~0100000);
    SHOW(fcntl(path, F_SETFL, O_APPEND));
    SHOW(fcntl(fd, F_GETPIPE_SZ));
    SHOW(fcntl(fd, F_GETLK, BAD));
    SHOW(fcntl(fd, F_GETLEASE));
    return 0;
}
