/* epoll_create(2), epoll_ctl(2), epoll_wait(2): errors. */
#include "check.h"
#include <sys/epoll.h>
int main(void)
{
    int ep = epoll_create1(0), pipes[2], fd = file_of("f", "");
    struct epoll_event event = {.events = EPOLLIN};
    SHOW(pipe(pipes));
    SHOW(epoll_create(0));
    OK(epoll_create(1));
    SHOW(epoll_create1(0x1));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, 99, &event));
    SHOW(epoll_ctl(99, EPOLL_CTL_ADD, pipes[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, pipes[0], &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], BAD));
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, pipes[0], &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, pipes[0], &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &event));
    SHOW(epoll_ctl(ep, 9, pipes[0], &event));
    SHOW(epoll_wait(ep, &event, 0, 0));
    SHOW(epoll_wait(ep, &event, -1, 0));
    SHOW(epoll_wait(fd, &event, 1, 0));
    SHOW(epoll_wait(99, &event, 1, 0));
    SHOW(write(pipes[1], "x", 1));
    SHOW(epoll_wait(ep, BAD, 1, 0));
    SHOW(read(ep, &event, 1));
    SHOW(epoll_wait(ep, &event, 1, 5));
    return 0;
}
