/* getsockopt(2), setsockopt(2): the options that servers use, and errors. */
#include "check.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
static int s;
static void test(int level, int name, int value, const char *text)
{
    socklen_t n = sizeof value;
    printf("%s: set %s", text, setsockopt(s, level, name, &value, sizeof value) ? strerrorname_np(errno) : "ok");
    value = -77;
    if (getsockopt(s, level, name, &value, &n))
        printf(" get %s\n", strerrorname_np(errno));
    else
        printf(" get %d of %u\n", value, n);
}
#define TEST(level, name, value) test(level, name, value, #name)
int main(void)
{
    int value = 1, got;
    socklen_t n = sizeof got;
    s = socket(AF_INET, SOCK_STREAM, 0);
    TEST(SOL_SOCKET, SO_REUSEADDR, 1);
    TEST(SOL_SOCKET, SO_REUSEPORT, 1);
    TEST(SOL_SOCKET, SO_KEEPALIVE, 1);
    TEST(SOL_SOCKET, SO_BROADCAST, 1);
    TEST(SOL_SOCKET, SO_OOBINLINE, 1);
    TEST(SOL_SOCKET, SO_SNDBUF, 20000);
    TEST(SOL_SOCKET, SO_RCVBUF, 20000);
    TEST(SOL_SOCKET, SO_TYPE, 1);
    TEST(SOL_SOCKET, SO_DOMAIN, 1);
    TEST(SOL_SOCKET, SO_PROTOCOL, 1);
    TEST(SOL_SOCKET, SO_ERROR, 1);
    TEST(SOL_SOCKET, SO_ACCEPTCONN, 1);
    TEST(SOL_SOCKET, SO_PRIORITY, 3);
    TEST(IPPROTO_TCP, TCP_NODELAY, 1);
    TEST(IPPROTO_TCP, TCP_CORK, 1);
    TEST(IPPROTO_TCP, TCP_KEEPIDLE, 30);
    TEST(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    TEST(IPPROTO_TCP, TCP_KEEPCNT, 3);
    TEST(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    TEST(IPPROTO_TCP, TCP_QUICKACK, 1);
    TEST(IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
    TEST(IPPROTO_IP, IP_TOS, 16);
    TEST(IPPROTO_IP, IP_TTL, 33);
    TEST(SOL_SOCKET, 9999, 1);
    SHOW(setsockopt(s, SOL_SOCKET, SO_LINGER, &(struct linger){1, 5}, sizeof(struct linger)));
    SHOW(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){1, 500000}, sizeof(struct timeval)));
    struct timeval tv;
    n = sizeof tv;
    SHOW(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &n));
    SHOW(tv.tv_sec * 1000000 + tv.tv_usec);
    SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, 2));
    SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
    n = 2;
    SHOW(getsockopt(s, SOL_SOCKET, SO_TYPE, &got, &n));
    SHOW(n);
    SHOW(getsockopt(s, SOL_SOCKET, SO_TYPE, BAD, &n));
    SHOW(getsockopt(s, SOL_SOCKET, SO_TYPE, &got, BAD));
    SHOW(getsockopt(-1, SOL_SOCKET, SO_TYPE, &got, &n));
    SHOW(getsockopt(0, SOL_SOCKET, SO_TYPE, &got, &n));
    struct tcp_info info;
    n = sizeof info;
    SHOW(getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n));
    SHOW(info.tcpi_state);
    s = socket(AF_INET6, SOCK_STREAM, 0);
    if (s >= 0)
        TEST(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return 0;
}
