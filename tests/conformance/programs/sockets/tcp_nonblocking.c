/* TCP without waiting: EINPROGRESS, EAGAIN, refused connections, SO_ERROR, EISCONN. */
#include "check.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
int main(void)
{
    struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    socklen_t n = sizeof address;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
    char room[16];
    SHOW(bind(s, (void *)&address, sizeof address));
    SHOW(getsockname(s, (void *)&address, &n));
    SHOW(connect(c, (void *)&address, sizeof address));
    struct pollfd p = {c, POLLOUT, 0};
    SHOW(poll(&p, 1, 1000));
    HEX(p.revents);
    n = sizeof error;
    SHOW(getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &n));
    SHOW(error);
    SHOW(listen(s, 5));
    SHOW(accept(s, NULL, NULL));
    close(c);
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(c, (void *)&address, sizeof address));
    p.fd = c;
    SHOW(poll(&p, 1, 1000));
    SHOW(connect(c, (void *)&address, sizeof address));
    SHOW(connect(c, (void *)&address, sizeof address));
    SHOW(recv(c, room, 16, 0));
    p = (struct pollfd){s, POLLIN, 0};
    SHOW(poll(&p, 1, 1000));
    int a;
    OK(a = accept(s, NULL, NULL));
    static char large[1 << 16];
    long total = 0, sent;
    while ((sent = send(c, large, sizeof large, 0)) > 0)
        total += sent;
    IS(errno == EAGAIN && total > 65536);
    while (total > 0 && (sent = recv(a, large, sizeof large, 0)) > 0)
        total -= sent;
    SHOW(total);
    close(a);
    p = (struct pollfd){c, POLLIN | POLLRDHUP, 0};
    SHOW(poll(&p, 1, 1000));
    SHOW(recv(c, room, 16, 0));
    SHOW(send(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_NOSIGNAL));
    SHOW(recv(socket(AF_INET, SOCK_STREAM, 0), room, 1, 0));
    return 0;
}
