/* fifo(7): opening waits for the other side, ENXIO without a reader, O_RDWR. */
#include "check.h"
static void writer(void)
{
    int fd;
    OK(fd = open("fifo", O_WRONLY));
    SHOW(write(fd, "through", 7));
}
int main(void)
{
    char room[16] = "";
    int fd;
    SHOW(mkfifo("fifo", 0600));
    SHOW(mkfifo("fifo", 0600));
    OK(open("fifo", O_WRONLY | O_NONBLOCK));
    pid_t pid = start_aside(writer);
    OK(fd = open("fifo", O_RDONLY));
    reap_aside("writer", pid);
    SHOW(read(fd, room, 15));
    TEXT(room);
    SHOW(read(fd, room, 15));
    close(fd);
    OK(fd = open("fifo", O_RDONLY | O_NONBLOCK));
    SHOW(read(fd, room, 15));
    OK(fd = open("fifo", O_RDWR));
    SHOW(write(fd, "self", 4));
    SHOW(read(fd, room, 15));
    return 0;
}
