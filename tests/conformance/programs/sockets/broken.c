/* SIGPIPE on sockets, MSG_NOSIGNAL, ECONNRESET. */
#include "check.h"
#include <netinet/in.h>
#include <sys/socket.h>
static int s[2];
static void dies(void) { (void)!send(s[0], "x", 1, 0); puts("never"); }
int main(void)
{
    char room[8];
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(close(s[1]));
    child(dies);
    SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(write(s[0], "unread", 6));
    SHOW(write(s[1], "unread", 6));
    SHOW(close(s[1]));
    SHOW(read(s[0], room, 8));
    SHOW(read(s[0], room, 8));
    struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    socklen_t n = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    bind(server, (void *)&address, n), getsockname(server, (void *)&address, &n), listen(server, 1);
    SHOW(connect(client, (void *)&address, n));
    int c = accept(server, NULL, NULL);
    struct linger hard = {1, 0};
    SHOW(setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
    SHOW(close(c));
    SHOW(read(client, room, 8));
    SHOW(read(client, room, 8));
    return 0;
}
