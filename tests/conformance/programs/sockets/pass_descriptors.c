/* SCM_RIGHTS: descriptors sent to another process, several, too many for the room, closed when nobody takes them. */
#include "check.h"
#include <sys/socket.h>
static int s[2];
static int send_fds(int socket, int *fds, int count)
{
    char control[CMSG_SPACE(sizeof(int) * 8)] = {0};
    struct iovec vec = {"!", 1};
    struct msghdr message = {.msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    return sendmsg(socket, &message, 0);
}
static int receive(int socket, int *fds, size_t room, int flags)
{
    char control[256], byte;
    struct iovec vec = {&byte, 1};
    struct msghdr message = {.msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    int n = recvmsg(socket, &message, flags);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    int count = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    printf("received %d bytes, %d descriptors, flags %#x\n", n, count, message.msg_flags);
    if (c)
        memcpy(fds, CMSG_DATA(c), count * sizeof(int));
    return count;
}
static void other(void)
{
    int fds[8];
    char text[16] = "";
    receive(s[1], fds, 256, MSG_CMSG_CLOEXEC);
    SHOW(read(fds[0], text, 15));
    TEXT(text);
    SHOW(fcntl(fds[0], F_GETFD));
    SHOW(write(fds[1], "answer", 6));
    receive(s[1], fds, CMSG_SPACE(sizeof(int)), 0);
    SHOW(fcntl(fds[0], F_GETFD));
    receive(s[1], fds, 0, 0);
}
int main(void)
{
    int p[2], fd = file_of("f", "passed on");
    char text[16] = "";
    SHOW(pipe(p));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    int both[] = {fd, p[1]}, many[] = {0, 1, fd, p[0]};
    SHOW(send_fds(s[0], both, 2));
    SHOW(send_fds(s[0], many, 4));
    SHOW(send_fds(s[0], many, 4));
    child(other);
    SHOW(read(p[0], text, 15));
    TEXT(text);
    SHOW(lseek(fd, 0, SEEK_CUR));
    both[1] = 99;
    SHOW(send_fds(s[0], both, 2));
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    SHOW(send_fds(s[0], &p[1], 1));
    SHOW(close(p[1]) | close(s[0]) | close(s[1]));
    SHOW(read(p[0], text, 15));
    return 0;
}
