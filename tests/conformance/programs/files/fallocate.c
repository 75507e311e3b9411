/* fallocate(2), posix_fallocate(3): grow, keep the size, punch holes, errors. */
#include "check.h"
int main(void)
{
    struct stat st;
    char room[8];
    int fd = file_of("f", "0123456789"), reader = open("f", O_RDONLY), pipes[2];
    SHOW(pipe(pipes));
    SHOW(fallocate(fd, 0, 0, 3 * PAGE));
    SHOW((fstat(fd, &st), st.st_size));
    SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8 * PAGE));
    SHOW((fstat(fd, &st), st.st_size));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5));
    SHOW(pread(fd, room, 8, 0));
    IS(memcmp(room, "\0\0\0\0\0" "567", 8) == 0);
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 5));
    SHOW(fallocate(fd, 0, -1, 5));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0x8000, 0, 1));
    SHOW(fallocate(reader, 0, 0, 1));
    SHOW(fallocate(pipes[1], 0, 0, 1));
    SHOW(fallocate(-1, 0, 0, 1));
    RC(posix_fallocate(fd, 4 * PAGE, PAGE));
    SHOW((fstat(fd, &st), st.st_size));
    return 0;
}
