/* How much fits: F_GETPIPE_SZ, F_SETPIPE_SZ, nonblocking writes in part, FIONREAD. */
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
int main(void)
{
    static char room[200000];
    int p[2], waiting;
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(fcntl(p[1], F_GETPIPE_SZ));
    SHOW(write(p[1], room, sizeof room));
    SHOW(write(p[1], room, 1));
    SHOW(ioctl(p[0], FIONREAD, &waiting));
    SHOW(waiting);
    SHOW(poll(&(struct pollfd){p[1], POLLOUT, 0}, 1, 0));
    SHOW(read(p[0], room, 4096));
    SHOW(poll(&(struct pollfd){p[1], POLLOUT, 0}, 1, 0));
    SHOW(write(p[1], room, 4097));
    SHOW(write(p[1], room, 5000));
    while (read(p[0], room, sizeof room) > 0)
        ;
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 5000));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
    SHOW(write(p[1], room, sizeof room));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
    SHOW(fcntl(p[1], F_SETPIPE_SZ, -1));
    return 0;
}
