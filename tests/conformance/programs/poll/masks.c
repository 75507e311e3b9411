/* ppoll(2), pselect(2), epoll_pwait(2): a mask for the time of waiting, and signals that were pending. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
static volatile int caught;
static void handler(int n UNUSED) { caught++; }
int main(void)
{
    sigset_t blocked, empty;
    struct epoll_event event;
    struct timespec second = {1, 0};
    int ep = epoll_create1(0);
    signal(SIGUSR1, handler);
    sigemptyset(&empty), sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    raise(SIGUSR1);
    SHOW(caught);
    SHOW(ppoll(NULL, 0, &second, &empty));
    SHOW(caught);
    raise(SIGUSR1);
    SHOW(pselect(0, NULL, NULL, NULL, &second, &empty));
    SHOW(caught);
    raise(SIGUSR1);
    SHOW(epoll_pwait(ep, &event, 1, 1000, &empty));
    SHOW(caught);
    raise(SIGUSR1);
    SHOW(epoll_pwait(ep, &event, 1, 2, &blocked));
    SHOW(caught);
    sigprocmask(SIG_BLOCK, NULL, &empty);
    IS(sigismember(&empty, SIGUSR1));
    int pipes[2];
    SHOW(pipe(pipes) | close(pipes[1]));
    sigemptyset(&empty);
    SHOW(ppoll(&(struct pollfd){pipes[0], POLLIN, 0}, 1, &second, &blocked));
    SHOW(caught);
    SHOW(syscall(SYS_ppoll, NULL, 0, &second, BAD, 8));
    SHOW(syscall(SYS_ppoll, NULL, 0, &second, &empty, 4));
    SHOW(syscall(SYS_epoll_pwait, ep, &event, 1, 0, &empty, 4));
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    SHOW(caught);
    return 0;
}
