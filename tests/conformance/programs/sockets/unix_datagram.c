/* AF_UNIX datagrams: borders kept, senders named, truncation told. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>
int main(void)
{
    struct sockaddr_un server = {AF_UNIX, "server"}, client = {AF_UNIX, "client"}, from;
    socklen_t n = sizeof from;
    int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
    char room[16] = "";
    SHOW(bind(a, (void *)&server, sizeof server));
    SHOW(sendto(b, "anonymous", 9, 0, (void *)&server, sizeof server));
    SHOW(recvfrom(a, room, 16, 0, (void *)&from, &n));
    SHOW(n);
    SHOW(bind(b, (void *)&client, sizeof client));
    SHOW(connect(b, (void *)&server, sizeof server));
    SHOW(send(b, "0123456789", 10, 0));
    SHOW(send(b, "", 0, 0));
    n = sizeof from;
    SHOW(recvfrom(a, room, 4, MSG_TRUNC, (void *)&from, &n));
    TEXT(from.sun_path);
    SHOW(recv(a, room, 16, 0));
    struct iovec vec = {room, 4};
    struct msghdr message = {.msg_iov = &vec, .msg_iovlen = 1};
    SHOW(send(b, "0123456789", 10, 0));
    SHOW(recvmsg(a, &message, 0));
    HEX(message.msg_flags);
    SHOW(sendto(a, "back", 4, 0, (void *)&client, sizeof client));
    SHOW(recv(b, room, 16, MSG_PEEK));
    SHOW(recv(b, room, 16, 0));
    SHOW(recv(b, room, 16, MSG_DONTWAIT));
    SHOW(close(a));
    SHOW(send(b, "x", 1, MSG_NOSIGNAL));
    SHOW(sendto(b, "x", 1, 0, (void *)&server, sizeof server) == -1);
    return 0;
}
