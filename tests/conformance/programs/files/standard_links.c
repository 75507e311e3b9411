/* /dev/stdin, /dev/fd, /proc/self/fd: descriptors by name. */
#include "check.h"
int main(void)
{
    char path[64], room[16] = "";
    int fd = file_of("f", "by name"), pipes[2];
    sprintf(path, "/dev/fd/%d", fd);
    int again;
    OK(again = open(path, O_RDONLY));
    SHOW(read(again, room, 15));
    TEXT(room);
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pipe(pipes));
    sprintf(path, "/proc/self/fd/%d", pipes[0]);
    OK(again = open(path, O_RDONLY));
    SHOW(write(pipes[1], "piped", 5));
    memset(room, 0, sizeof room);
    SHOW(read(again, room, 15));
    TEXT(room);
    OK(open("/dev/fd/99", O_RDONLY));
    OK(open("/proc/self/fd/99", O_RDONLY));
    dup2(fd, 0);
    OK(open("/dev/stdin", O_RDONLY));
    SHOW(readlink("/dev/fd", room, 15));
    return 0;
}
