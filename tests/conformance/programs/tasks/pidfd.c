/* pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2): poll, wait, errors. */
#include "check.h"
#include <poll.h>
static void sleeper(void) { pause(); }
static void done(void) {}
int main(void)
{
    pid_t pid = start(sleeper);
    int fd;
    OK(fd = syscall(SYS_pidfd_open, pid, 0));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 5000));
    reap("sleeper", pid);
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    SHOW(syscall(SYS_pidfd_open, pid, 0));
    SHOW(syscall(SYS_pidfd_open, -1, 0));
    SHOW(syscall(SYS_pidfd_open, getpid(), 0x1));
    SHOW(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0));
    child(done);
    return 0;
}
