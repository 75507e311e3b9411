/* eventfd(2): counts, semaphores, limits, errors. */
#include "check.h"
#include <poll.h>
#include <sys/eventfd.h>
int main(void)
{
    uint64_t n = 0;
    int fd;
    OK(fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
    SHOW(read(fd, &n, 8));
    SHOW(n);
    SHOW(read(fd, &n, 8));
    n = 5;
    SHOW(write(fd, &n, 8));
    SHOW(write(fd, &n, 8));
    SHOW(read(fd, &n, 8));
    SHOW(n);
    n = -2;
    SHOW(write(fd, &n, 8));
    n = 1;
    SHOW(write(fd, &n, 8));
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    SHOW(poll(&p, 1, 0));
    HEX(p.revents);
    n = -1;
    SHOW(write(fd, &n, 8));
    SHOW(read(fd, &n, 4));
    SHOW(write(fd, &n, 4));
    SHOW(read(fd, BAD, 8));
    OK(fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
    SHOW(read(fd, &n, 8));
    SHOW(n);
    SHOW(read(fd, &n, 8));
    SHOW(read(fd, &n, 8));
    SHOW(eventfd(0, 0x10));
    SHOW(lseek(fd, 0, SEEK_SET));
    return 0;
}
