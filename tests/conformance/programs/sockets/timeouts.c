/* SO_RCVTIMEO, SO_SNDTIMEO: waiting ends with EAGAIN. */
#include "check.h"
#include <sys/socket.h>
int main(void)
{
    int s[2];
    static char room[1 << 16];
    struct timeval tv = {0, 5000};
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
    double begun = seconds_now();
    SHOW(recv(s[0], room, 10, 0));
    SHOW(read(s[0], room, 10));
    IS(seconds_now() - begun >= 0.01);
    while (write(s[0], room, sizeof room) > 0)
        ;
    SHOW(errno == EAGAIN);
    SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){0, 2000000}, sizeof tv));
    return 0;
}
