/* UDP over the loopback: named and connected, truncated, refused, IPv6. */
#include "check.h"
#include <netinet/in.h>
#include <sys/socket.h>
static void test(int family, void *address, socklen_t length)
{
    static char room[70000];
    socklen_t n = length;
    struct sockaddr_in6 from;
    printf("-- family %d\n", family);
    int a = socket(family, SOCK_DGRAM, 0), b = socket(family, SOCK_DGRAM, 0);
    if (SHOW(bind(a, address, length)) < 0)
        return;
    getsockname(a, address, &n);
    SHOW(sendto(b, "hello there", 11, 0, address, length));
    n = sizeof from;
    SHOW(recvfrom(a, room, 5, 0, (void *)&from, &n));
    IS(n == length);
    SHOW(sendto(a, "back", 4, 0, (void *)&from, n));
    SHOW(recv(b, room, 16, 0));
    SHOW(send(b, "x", 1, 0));
    SHOW(connect(b, address, length));
    SHOW(send(b, "x", 1, 0));
    SHOW(recv(a, room, 16, MSG_DONTWAIT));
    SHOW(recv(a, room, 16, MSG_DONTWAIT));
    SHOW(close(a));
    SHOW(send(b, "x", 1, 0));
    SHOW(send(b, "x", 1, 0));
    SHOW(sendto(b, room, 70000, 0, address, length));
}
int main(void)
{
    struct sockaddr_in v4 = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    test(AF_INET, &v4, sizeof v4);
    test(AF_INET6, &v6, sizeof v6);
    return 0;
}
