/* pwritev(2), pwritev2(2), recvmmsg(2), pidfd_getfd(2): errors, and what pidfd_getfd gives. */
#include "check.h"
#include <sys/socket.h>
static int go[2], ready[2];
static void other(void)
{
    int fd = file_of("theirs", "contents");
    dup2(fd, 20);
    tell(ready);
    await(go);
}
int main(void)
{
    struct iovec one = {"data", 4}, bad = {BAD, 4}, negative = {"data", -1};
    int fd = file_of("f", ""), reading = open("f", O_RDONLY), s[2];
    SHOW(pwritev(fd, &one, 1, 2));
    SHOW(pwritev(reading, &one, 1, 0));
    SHOW(pwritev(fd, &one, 1, -1));
    SHOW(pwritev(fd, &one, 2000, 0));
    SHOW(pwritev(fd, &negative, 1, 0));
    SHOW(pwritev(fd, BAD, 1, 0));
    SHOW(pwritev2(fd, &one, 1, -1, 0));
    SHOW(pwritev2(fd, &bad, 1, 0, 0));
    SHOW(pwritev2(fd, &one, 1, 0, 0x40000000));
    SHOW(pwritev2(99, &one, 1, 0, 0));
    SHOW(preadv2(fd, &(struct iovec){(char[4]){0}, 4}, 1, 0, 0x40000000));
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    char room[8];
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &(struct iovec){room, 8}, .msg_iovlen = 1}};
    SHOW(recvmmsg(s[0], &message, 1, MSG_DONTWAIT, NULL));
    SHOW(send(s[1], "12", 2, 0));
    SHOW(recvmmsg(s[0], &message, 1, 0, NULL));
    SHOW(message.msg_len);
    SHOW(recvmmsg(99, &message, 1, 0, NULL));
    SHOW(recvmmsg(fd, &message, 1, 0, NULL));
    SHOW(sendmmsg(99, &message, 1, 0));
    SHOW(pipe(go) | pipe(ready));
    pid_t pid = start(other);
    await(ready);
    int handle = syscall(SYS_pidfd_open, pid, 0), theirs;
    SHOW(syscall(SYS_pidfd_getfd, handle, 21, 0));
    SHOW(syscall(SYS_pidfd_getfd, handle, 20, 1));
    SHOW(syscall(SYS_pidfd_getfd, fd, 20, 0));
    SHOW(syscall(SYS_pidfd_getfd, 99, 20, 0));
    OK(theirs = syscall(SYS_pidfd_getfd, handle, 20, 0));
    SHOW(fcntl(theirs, F_GETFD));
    SHOW(pread(theirs, room, 8, 0));
    tell(go);
    reap("other", pid);
    return 0;
}
