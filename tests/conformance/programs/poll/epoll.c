/* epoll(7): level and edge triggered, one shot, exclusive; changes; closed descriptors. */
#include "check.h"
#include <sys/epoll.h>
static int ep;
static void wait_(const char *what)
{
    struct epoll_event events[8];
    int n = epoll_wait(ep, events, 8, 0);
    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++)
        printf(" (%#x %lu)", events[i].events, events[i].data.u64);
    puts("");
}
int main(void)
{
    int a[2], b[2];
    char room[8];
    struct epoll_event in = {.events = EPOLLIN, .data.u64 = 1}, edge = {.events = EPOLLIN | EPOLLET, .data.u64 = 2};
    OK(ep = epoll_create1(EPOLL_CLOEXEC));
    SHOW(pipe(a) | pipe(b));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, a[0], &in));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, b[0], &edge));
    wait_("nothing");
    SHOW(write(a[1], "xy", 2) + write(b[1], "xy", 2));
    wait_("both");
    wait_("level only");
    SHOW(write(b[1], "z", 1));
    wait_("edge again");
    SHOW(read(a[0], room, 8));
    wait_("none");
    in.events = EPOLLIN | EPOLLONESHOT, in.data.u64 = 3;
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, a[0], &in));
    SHOW(write(a[1], "x", 1));
    wait_("one shot");
    wait_("disarmed");
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, a[0], &in));
    wait_("armed again");
    SHOW(close(a[1]));
    SHOW(epoll_ctl(ep, EPOLL_CTL_MOD, a[0], &in));
    wait_("hung up");
    SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, b[0], NULL));
    SHOW(write(b[1], "x", 1));
    wait_("deleted");
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, b[0], &edge));
    int copy = dup(b[0]);
    SHOW(close(b[0]));
    wait_("closed, but a copy lives");
    SHOW(close(copy));
    SHOW(write(b[1], "x", 1) == -1 && errno == EPIPE);
    return 0;
}
