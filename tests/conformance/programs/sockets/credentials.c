/* SCM_CREDENTIALS, SO_PEERCRED, SO_PASSCRED. */
#include "check.h"
#include <sys/socket.h>
static void receive(int s)
{
    char control[256], byte;
    struct iovec vec = {&byte, 1};
    struct msghdr message = {.msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    SHOW(recvmsg(s, &message, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_type == SCM_CREDENTIALS) {
            struct ucred *cred = (void *)CMSG_DATA(c);
            printf("pid own %d uid %d gid %d\n", cred->pid == getpid(), cred->uid, cred->gid);
        }
}
static int send_as(int s, pid_t pid, uid_t uid)
{
    char control[CMSG_SPACE(sizeof(struct ucred))] = {0};
    struct iovec vec = {"!", 1};
    struct msghdr message = {.msg_iov = &vec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_CREDENTIALS, c->cmsg_len = CMSG_LEN(sizeof(struct ucred));
    *(struct ucred *)CMSG_DATA(c) = (struct ucred){pid, uid, getgid()};
    return sendmsg(s, &message, 0);
}
static int s[2];
static void user(void)
{
    SHOW(setgid(1000) | setuid(1000));
    SHOW(send_as(s[0], getpid(), 0));
    SHOW(send_as(s[0], 1, getuid()));
    SHOW(send_as(s[0], getpid(), getuid()));
}
int main(void)
{
    struct ucred cred;
    socklen_t n = sizeof cred;
    int on = 1;
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &cred, &n));
    printf("pid own %d uid %d gid %d\n", cred.pid == getpid(), cred.uid, cred.gid);
    SHOW(write(s[0], "x", 1));
    receive(s[1]);
    SHOW(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    SHOW(write(s[0], "x", 1));
    receive(s[1]);
    SHOW(send_as(s[0], getpid(), getuid()));
    receive(s[1]);
    SHOW(send_as(s[0], 999999, getuid()));
    child(user);
    receive(s[1]);
    return 0;
}
