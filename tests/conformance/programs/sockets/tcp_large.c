/* A few megabytes through TCP in pieces of many sizes, by two processes. */
#include "check.h"
#include <netinet/in.h>
#include <sys/socket.h>
static int s;
static struct sockaddr_in address = {AF_INET, 0, {0}, {0}};
enum { SIZE = 3 << 20 };
static void sender(void)
{
    static unsigned char data[SIZE];
    for (int i = 0; i < SIZE; i++)
        data[i] = i * 7 + (i >> 8);
    int c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, (void *)&address, sizeof address);
    for (int at = 0, step = 1; at < SIZE; step = step * 3 % 100003 + 1) {
        int n = write(c, data + at, at + step > SIZE ? SIZE - at : step);
        if (n <= 0)
            _exit(1);
        at += n;
    }
}
int main(void)
{
    static unsigned char room[100000];
    socklen_t n = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s = socket(AF_INET, SOCK_STREAM, 0);
    bind(s, (void *)&address, sizeof address), getsockname(s, (void *)&address, &n), listen(s, 1);
    pid_t pid = start(sender);
    int c = accept(s, NULL, NULL);
    long at = 0, wrong = 0;
    for (ssize_t got; (got = read(c, room, sizeof room)) > 0; at += got)
        for (ssize_t i = 0; i < got; i++)
            wrong += room[i] != (unsigned char)((at + i) * 7 + ((at + i) >> 8));
    SHOW(at);
    SHOW(wrong);
    reap("sender", pid);
    return 0;
}
