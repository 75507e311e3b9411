/* truncate(2), ftruncate(2): shorter, longer with zeros, errors. */
#include "check.h"
int main(void)
{
    struct stat st;
    char room[16];
    int fd = file_of("f", "0123456789"), reader = open("f", O_RDONLY), dir = open(".", O_RDONLY), pipes[2];
    SHOW(pipe(pipes));
    SHOW(ftruncate(fd, 4));
    SHOW(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(truncate("f", 8));
    SHOW(pread(fd, room, 16, 0));
    IS(memcmp(room, "0123\0\0\0\0", 8) == 0);
    SHOW(truncate("f", 1l << 33));
    SHOW(fstat(fd, &st));
    SHOW(st.st_size);
    SHOW(ftruncate(fd, 0));
    SHOW(ftruncate(reader, 0));
    SHOW(ftruncate(dir, 0));
    SHOW(ftruncate(pipes[1], 0));
    SHOW(ftruncate(-1, 0));
    SHOW(ftruncate(fd, -1));
    SHOW(truncate("f", -1));
    SHOW(truncate("missing", 0));
    SHOW(truncate(".", 0));
    SHOW(truncate("f/x", 0));
    SHOW(truncate(BAD, 0));
    return 0;
}
