/* read(2), write(2) and their family: bad descriptors, bad pointers, descriptors of the wrong kind. */
#include "check.h"
int main(void)
{
    char room[16];
    int fd = file_of("f", "0123456789"), dir = open(".", O_RDONLY), path = open("f", O_PATH), pipes[2];
    SHOW(pipe(pipes));
    SHOW(read(-1, room, 1));
    SHOW(read(1000000, room, 1));
    SHOW(write(-1, room, 1));
    SHOW(read(fd, BAD, 4));
    SHOW(read(fd, KERNEL, 4));
    SHOW(write(fd, BAD, 4));
    SHOW(write(fd, KERNEL, 4));
    SHOW(read(fd, BAD, 0));
    SHOW(write(fd, NULL, 0));
    SHOW(read(dir, room, 4));
    SHOW(write(dir, room, 4));
    SHOW(pread(dir, room, 4, 0));
    SHOW(read(path, room, 4));
    SHOW(write(path, room, 4));
    SHOW(read(pipes[1], room, 4));
    SHOW(write(pipes[0], room, 4));
    SHOW(pread(pipes[0], room, 4, 0));
    SHOW(pwrite(pipes[1], room, 4, 0));
    SHOW(lseek(pipes[0], 0, SEEK_SET));
    SHOW(pread(fd, room, 4, -1));
    SHOW(pwrite(fd, room, 4, -1));
    SHOW(pread(fd, BAD, 4, 0));
    SHOW(lseek(fd, 0, 99));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(-1, 0, SEEK_SET));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(close(fd));
    SHOW(close(fd));
    SHOW(close(-1));
    return 0;
}
