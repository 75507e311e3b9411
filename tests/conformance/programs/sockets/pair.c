/* socketpair(2): streams, packets, datagrams; shutdown; the end. */
#include "check.h"
#include <sys/socket.h>
static void test(int type)
{
    int s[2];
    char room[16] = "";
    printf("-- type %d\n", type);
    SHOW(socketpair(AF_UNIX, type, 0, s));
    SHOW(send(s[0], "abc", 3, 0));
    SHOW(send(s[0], "defg", 4, 0));
    SHOW(recv(s[1], room, 2, 0));
    SHOW(recv(s[1], room, 16, 0));
    TEXT(room);
    SHOW(send(s[1], "", 0, 0));
    SHOW(recv(s[0], room, 16, MSG_DONTWAIT));
    SHOW(shutdown(s[0], SHUT_WR));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(recv(s[1], room, 16, MSG_DONTWAIT));
    SHOW(close(s[1]));
    SHOW(recv(s[0], room, 16, MSG_DONTWAIT));
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
}
int main(void)
{
    int s[2];
    test(SOCK_STREAM);
    test(SOCK_SEQPACKET);
    test(SOCK_DGRAM);
    SHOW(socketpair(AF_INET, SOCK_STREAM, 0, s));
    SHOW(socketpair(AF_UNIX, 99, 0, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 5, s));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
    SHOW(fcntl(s[0], F_GETFD));
    SHOW(fcntl(s[0], F_GETFL));
    SHOW(dup(0));
    return 0;
}
