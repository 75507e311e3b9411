/* dup(2), dup2(2), dup3(2), fcntl(2) F_DUPFD: the lowest free number, shared flags, close-on-exec. */
#include "check.h"
int main(void)
{
    int fd = file_of("f", "abc");
    SHOW(fd);
    SHOW(dup(fd));
    SHOW(dup(fd));
    SHOW(close(4));
    SHOW(dup(fd));
    SHOW(dup2(fd, 10));
    SHOW(dup2(fd, fd));
    SHOW(dup2(-1, 10));
    SHOW(dup2(fd, -1));
    SHOW(dup2(fd, 100000000));
    SHOW(dup2(99, 99));
    SHOW(dup3(fd, 11, O_CLOEXEC));
    SHOW(fcntl(11, F_GETFD));
    SHOW(dup3(fd, fd, 0));
    SHOW(dup3(fd, 12, O_APPEND));
    SHOW(fcntl(fd, F_DUPFD, 20));
    SHOW(fcntl(fd, F_DUPFD, 20));
    SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 20));
    SHOW(fcntl(22, F_GETFD));
    SHOW(fcntl(20, F_GETFD));
    SHOW(fcntl(fd, F_DUPFD, -1));
    SHOW(fcntl(fd, F_DUPFD, 100000000));
    SHOW(fcntl(fd, F_SETFL, O_APPEND));
    IS(fcntl(20, F_GETFL) & O_APPEND);
    SHOW(write(20, "d", 1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(dup(-1));
    return 0;
}
