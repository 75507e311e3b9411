/* TCP over the loopback: addresses, data both ways, half closing, the end. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
static struct sockaddr_in address = {AF_INET, 0, {0}, {0}};
static void client(void)
{
    char room[16] = "";
    int s = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(s, (void *)&address, sizeof address));
    SHOW(send(s, "request", 7, 0));
    SHOW(shutdown(s, SHUT_WR));
    SHOW(recv(s, room, 16, MSG_WAITALL));
    TEXT(room);
    SHOW(recv(s, room, 16, 0));
}
int main(void)
{
    char room[16] = "", ip[32];
    struct sockaddr_in peer;
    socklen_t n = sizeof address;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SHOW(bind(s, (void *)&address, sizeof address));
    SHOW(getsockname(s, (void *)&address, &n));
    IS(ntohs(address.sin_port) > 1023);
    SHOW(listen(s, 1));
    pid_t pid = start_aside(client);
    n = sizeof peer;
    OK(c = accept4(s, (void *)&peer, &n, SOCK_CLOEXEC | SOCK_NONBLOCK));
    SHOW(n);
    TEXT(inet_ntop(AF_INET, &peer.sin_addr, ip, sizeof ip));
    SHOW(fcntl(c, F_GETFD));
    SHOW(fcntl(c, F_SETFL, 0));
    SHOW(recv(c, room, 16, MSG_WAITALL));
    TEXT(room);
    n = sizeof peer;
    SHOW(getpeername(c, (void *)&peer, &n));
    SHOW(getpeername(s, (void *)&peer, &n));
    SHOW(send(c, "answer", 6, 0));
    SHOW(shutdown(c, SHUT_RDWR));
    reap_aside("client", pid);
    SHOW(shutdown(s, 9));
    SHOW(send(c, "x", 1, MSG_NOSIGNAL));
    SHOW(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&address, sizeof address));
    SHOW(accept4(s, NULL, NULL, 0x1));
    return 0;
}
