/* poll(2), ppoll(2): events of pipes, files and what is closed; timeouts; errors. */
#include "check.h"
#include <poll.h>
#include <sys/resource.h>
int main(void)
{
    int a[2], b[2], fd = file_of("f", "x");
    SHOW(pipe(a) | pipe(b));
    struct pollfd set[] = {{a[0], POLLIN, 0}, {a[1], POLLOUT, 0}, {fd, POLLIN | POLLOUT, 0}, {-1, POLLIN, 99}, {77, POLLIN, 0}, {b[0], POLLIN | POLLPRI | POLLRDHUP, 0}};
    SHOW(poll(set, 1, 0));
    SHOW(poll(set, 1, 2));
    SHOW(poll(set, 6, -1));
    for (int i = 0; i < 6; i++)
        printf("revents %#x\n", set[i].revents);
    SHOW(write(a[1], "x", 1));
    SHOW(close(b[1]));
    SHOW(poll(set, 6, 1000));
    for (int i = 0; i < 6; i++)
        printf("revents %#x\n", set[i].revents);
    SHOW(close(a[0]));
    set[0].fd = a[1], set[0].events = 0;
    SHOW(poll(set, 1, 0));
    HEX(set[0].revents);
    SHOW(poll(NULL, 0, 1));
    SHOW(poll(BAD, 1, 0));
    SHOW(poll(set, 100000, 0));
    SHOW(ppoll(set, 1, &(struct timespec){0, 0}, NULL));
    SHOW(ppoll(set, 1, &(struct timespec){0, 1000000000}, NULL));
    SHOW(ppoll(set, 1, &(struct timespec){-1, 0}, NULL));
    return 0;
}
