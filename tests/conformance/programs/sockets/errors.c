/* socket(2) and others: families, types, protocols, descriptors that are no sockets. */
#include "check.h"
#include <netinet/in.h>
#include <sys/socket.h>
int main(void)
{
    struct sockaddr_in in = {AF_INET, htons(80), {htonl(INADDR_LOOPBACK)}, {0}}, odd = {99, 0, {0}, {0}};
    char room[8];
    int s = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(socket(-1, SOCK_STREAM, 0));
    SHOW(socket(AF_INET, 99, 0));
    SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    SHOW(socket(AF_INET, SOCK_STREAM | 0x1000000, 0));
    SHOW(bind(0, (void *)&in, sizeof in));
    SHOW(bind(s, (void *)&in, 4));
    SHOW(bind(s, (void *)&odd, sizeof odd));
    SHOW(bind(s, BAD, sizeof in));
    in.sin_addr.s_addr = htonl(0x01020304);
    SHOW(bind(s, (void *)&in, sizeof in));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SHOW(connect(s, (void *)&in, sizeof in));
    in.sin_addr.s_addr = htonl(0x01020304);
    SHOW(connect(s, (void *)&in, sizeof in));
    SHOW(connect(s, (void *)&odd, sizeof odd));
    SHOW(connect(file_of("f", ""), (void *)&in, sizeof in));
    SHOW(accept(s, NULL, NULL));
    SHOW(shutdown(s, SHUT_RD));
    SHOW(recv(0, room, 8, 0));
    SHOW(getsockname(0, (void *)&in, &(socklen_t){16}));
    SHOW(getsockname(s, BAD, &(socklen_t){16}));
    SHOW(getsockname(s, (void *)&in, &(socklen_t){-1}));
    SHOW(lseek(s, 0, SEEK_SET));
    SHOW(read(s, room, 8));
    OK(open("/proc/self/fd/3", O_RDWR));
    return 0;
}
