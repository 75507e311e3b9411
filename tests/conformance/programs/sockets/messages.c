/* sendmsg(2), recvmsg(2), sendmmsg(2), recvmmsg(2): vectors, flags, errors. */
#include "check.h"
#include <sys/socket.h>
int main(void)
{
    int s[2], d[2];
    char a[4] = "", b[16] = "";
    struct iovec out[] = {{"one", 3}, {"two", 3}}, in[] = {{a, 3}, {b, 15}};
    struct msghdr send_ = {.msg_iov = out, .msg_iovlen = 2}, receive = {.msg_iov = in, .msg_iovlen = 2};
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, d));
    SHOW(sendmsg(s[0], &send_, 0));
    SHOW(recvmsg(s[1], &receive, MSG_PEEK));
    SHOW(recvmsg(s[1], &receive, 0));
    TEXT(a);
    TEXT(b);
    SHOW(recvmsg(s[1], &receive, MSG_DONTWAIT));
    struct mmsghdr many[3] = {{send_, 0}, {send_, 0}, {send_, 0}}, back[4] = {{receive, 0}, {receive, 0}, {receive, 0}, {receive, 0}};
    SHOW(sendmmsg(d[0], many, 3, 0));
    SHOW(many[2].msg_len);
    SHOW(recvmmsg(d[1], back, 4, MSG_DONTWAIT, NULL));
    SHOW(back[2].msg_len);
    SHOW(sendmsg(s[0], BAD, 0));
    SHOW(recvmsg(s[0], BAD, MSG_DONTWAIT));
    send_.msg_iovlen = 5000;
    SHOW(sendmsg(s[0], &send_, 0));
    send_.msg_iovlen = 2, out[1].iov_base = BAD;
    SHOW(sendmsg(d[0], &send_, 0));
    SHOW(send(s[0], BAD, 4, 0));
    SHOW(send(s[1], "data", 4, 0));
    SHOW(recv(s[0], BAD, 4, MSG_DONTWAIT));
    SHOW(sendmsg(0, &receive, 0));
    SHOW(sendmmsg(-1, many, 1, 0));
    SHOW(send(s[0], "xyz", 3, MSG_MORE));
    SHOW(recv(s[1], b, 2, MSG_TRUNC));
    SHOW(recv(s[1], b, 16, MSG_WAITALL | MSG_DONTWAIT));
    SHOW(send(s[0], "x", 1, MSG_OOB));
    return 0;
}
