/* Calls that a handler ends with EINTR, with SA_RESTART or without. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <linux/futex.h>
static void handler(int n UNUSED) {}
static void arm(int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval soon = {{0, 5000}, {0, 5000}}; /* again and again: the first may come before the call */
    setitimer(ITIMER_REAL, &soon, NULL);
}
static void disarm(void)
{
    struct itimerval never = {0};
    setitimer(ITIMER_REAL, &never, NULL);
}
static void sleeper(void) { pause(); }
static void test(int flags)
{
    int word = 0, pair[2], ep = epoll_create1(0), pipes[2];
    char room[16];
    fd_set set;
    struct epoll_event event;
    struct timespec second = {1, 0}, left;
    struct pollfd nothing = {0, 0, 0};
    (void)!pipe(pipes);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    FD_ZERO(&set);
    FD_SET(pair[0], &set);
    arm(flags), SHOW(pause()), disarm();
    arm(flags), SHOW(poll(&nothing, 0, 1000)), disarm();
    arm(flags), SHOW(ppoll(&nothing, 0, &second, NULL)), disarm();
    arm(flags), SHOW(select(pair[0] + 1, &set, NULL, NULL, &(struct timeval){1, 0})), disarm();
    arm(flags), SHOW(epoll_wait(ep, &event, 1, 1000)), disarm();
    arm(flags), SHOW(nanosleep(&second, &left)), disarm();
    arm(flags), SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &second, NULL)), disarm();
    arm(flags), SHOW(sigsuspend(&(sigset_t){0})), disarm();
    struct timeval limit = {0, 30000};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    arm(flags), SHOW(recv(pair[0], room, 16, 0)), disarm();
    if (!(flags & SA_RESTART)) {
        pid_t pid = start(sleeper);
        arm(flags), SHOW(waitpid(pid, NULL, 0)), disarm();
        kill(pid, SIGKILL);
        reap("sleeper", pid);
        arm(flags), SHOW(syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL)), disarm();
        arm(flags), SHOW(read(pair[0], room, 16) == -1 && (errno == EINTR || errno == EAGAIN)), disarm();
        fcntl(pipes[1], F_SETPIPE_SZ, 4096);
        char *page = calloc(1, 4096);
        SHOW(write(pipes[1], page, 4096));
        arm(flags), SHOW(write(pipes[1], page, 4096)), disarm();
    } else
        arm(flags), SHOW(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){0, 20000000})), disarm();
    sigset_t none;
    sigemptyset(&none);
    arm(flags), SHOW(sigtimedwait(&none, NULL, &second)), disarm();
}
int main(void)
{
    test(0);
    puts("-- SA_RESTART");
    test(SA_RESTART);
    return 0;
}
