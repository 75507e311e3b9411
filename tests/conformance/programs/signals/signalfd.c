/* signalfd(2): signals read from a descriptor, polled, several at once, with values. */
#include "check.h"
#include <poll.h>
#include <sys/signalfd.h>
int main(void)
{
    struct signalfd_siginfo info[4];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1), sigaddset(&set, SIGRTMIN + 1), sigaddset(&set, SIGKILL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd;
    OK(fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    SHOW(read(fd, info, sizeof info));
    SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
    kill(getpid(), SIGUSR1);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 99});
    SHOW(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0));
    SHOW(read(fd, info, sizeof info));
    IS(info[0].ssi_signo == SIGUSR1 && info[0].ssi_pid == (unsigned)getpid());
    IS((int)info[1].ssi_signo == SIGRTMIN + 1);
    SHOW(info[1].ssi_int);
    SHOW(info[1].ssi_code);
    sigdelset(&set, SIGUSR1);
    SHOW(signalfd(fd, &set, 0) == fd);
    kill(getpid(), SIGUSR1);
    SHOW(read(fd, info, sizeof info));
    SHOW(read(fd, info, 4));
    SHOW(signalfd(0, &set, 0));
    SHOW(signalfd(-1, &set, 0x1));
    SHOW(signalfd(99, &set, 0));
    SHOW(syscall(SYS_signalfd4, -1, BAD, 8, 0));
    SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
    return 0;
}
