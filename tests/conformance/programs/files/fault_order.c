/* Bad pointers where nothing is transferred: the kernel does not look at them. */
#include "check.h"
#include <sys/socket.h>
int main(void)
{
    int fd = file_of("f", "0123456789"), s[2], pipes[2];
    SHOW(pread(fd, BAD, 4, 100));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s) | pipe2(pipes, O_NONBLOCK));
    SHOW(recv(s[0], BAD, 4, MSG_DONTWAIT));
    SHOW(read(pipes[0], BAD, 4));
    SHOW(close(pipes[1]));
    SHOW(read(pipes[0], BAD, 4));
    SHOW(sendto(s[0], "x", 70000, 0, NULL, 0) == -1 && errno == EFAULT);
    return 0;
}
