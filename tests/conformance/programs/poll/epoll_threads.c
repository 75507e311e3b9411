/* epoll(7): wakes a waiting thread; nested sets; a child's copy. */
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
static int ep, event_fd;
static void *waiter(void *unused UNUSED)
{
    static struct epoll_event event;
    return epoll_wait(ep, &event, 1, -1) == 1 ? &event : NULL;
}
static void other(void)
{
    struct epoll_event event;
    SHOW(epoll_wait(ep, &event, 1, -1));
    uint64_t n;
    SHOW(read(event_fd, &n, 8));
}
int main(void)
{
    pthread_t thread;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef};
    ep = epoll_create1(0);
    event_fd = eventfd(0, 0);
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, event_fd, &event));
    int outer = epoll_create1(0);
    SHOW(epoll_ctl(outer, EPOLL_CTL_ADD, ep, &event));
    SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, outer, &event));
    pthread_create(&thread, NULL, waiter, NULL);
    milliseconds(3);
    uint64_t one = 1;
    SHOW(write(event_fd, &one, 8));
    struct epoll_event *seen;
    pthread_join(thread, (void **)&seen);
    HEX(seen->data.u64);
    SHOW(epoll_wait(outer, &event, 1, 0));
    child(other);
    SHOW(epoll_wait(outer, &event, 1, 0));
    return 0;
}
