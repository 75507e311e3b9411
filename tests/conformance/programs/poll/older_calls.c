/* select, eventfd, signalfd, inotify_init as the calls they were first; epoll_pwait2. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#define RAW(name, ...) syscall(SYS_##name, __VA_ARGS__)
int main(void)
{
    int ends[2], fd;
    fd_set set;
    struct timeval soon = {0, 2000};
    SHOW(pipe(ends));
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    SHOW(RAW(select, ends[0] + 1, &set, NULL, NULL, &soon));
    IS(soon.tv_sec == 0 && soon.tv_usec == 0);
    SHOW(write(ends[1], "x", 1));
    FD_SET(ends[0], &set);
    SHOW(RAW(select, ends[0] + 1, &set, NULL, NULL, NULL));
    SHOW(FD_ISSET(ends[0], &set));
    SHOW(RAW(select, -1, NULL, NULL, NULL, &soon));
    SHOW(RAW(select, 1, BAD, NULL, NULL, &soon));
    SHOW(RAW(select, 0, NULL, NULL, NULL, BAD));
    uint64_t value = 0;
    SHOW(fd = RAW(eventfd, 5));
    SHOW(read(fd, &value, 8));
    SHOW(value);
    SHOW(fcntl(fd, F_GETFD));
    sigset_t signals;
    sigemptyset(&signals), sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    struct signalfd_siginfo info;
    SHOW(fd = RAW(signalfd, -1, &signals, 8));
    SHOW(raise(SIGUSR1));
    SHOW(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1);
    SHOW(RAW(signalfd, -1, &signals, 4));
    SHOW(RAW(signalfd, 0, &signals, 8));
    SHOW(RAW(signalfd, -1, BAD, 8));
    SHOW(fd = RAW(inotify_init, 0));
    OK(inotify_add_watch(fd, ".", IN_CREATE));
    int poll;
    SHOW(poll = epoll_create1(0));
    struct epoll_event event = {EPOLLIN, {.u32 = 7}};
    SHOW(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event));
    SHOW(RAW(epoll_pwait2, poll, &event, 1, &((struct timespec){0, 1000000}), NULL, 0));
    close(file_of("new", ""));
    SHOW(RAW(epoll_pwait2, poll, &event, 1, NULL, &signals, 8));
    SHOW(event.data.u32);
    SHOW(RAW(epoll_pwait2, poll, &event, 0, NULL, NULL, 0));
    SHOW(RAW(epoll_pwait2, poll, &event, 1, &((struct timespec){0, 1000000000}), NULL, 0));
    SHOW(RAW(epoll_pwait2, poll, BAD, 1, &((struct timespec){1, 0}), NULL, 0));
    SHOW(RAW(epoll_pwait2, poll, &event, 1, NULL, &signals, 4));
    SHOW(RAW(epoll_pwait2, 99, &event, 1, NULL, NULL, 0));
    SHOW(RAW(eventfd2, 0, 0x1234));
    return 0;
}
