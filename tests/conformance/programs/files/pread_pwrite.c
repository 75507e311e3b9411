/* pread(2), pwrite(2): at an offset, without moving the position; O_APPEND wins over the offset. */
#include "check.h"
int main(void)
{
    char room[16] = "";
    int fd = file_of("f", "0123456789");
    SHOW(pread(fd, room, 4, 3));
    TEXT(room);
    SHOW(pwrite(fd, "AB", 2, 1));
    SHOW(pwrite(fd, "Z", 1, 12));
    SHOW(pread(fd, room, 4, 13));
    SHOW(pread(fd, room, 4, 1l << 40));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
    fd = open("f", O_RDWR | O_APPEND);
    SHOW(pwrite(fd, "!", 1, 0));
    SHOW(lseek(fd, 0, SEEK_END));
    memset(room, 0, sizeof room);
    SHOW(pread(fd, room, 15, 0));
    IS(memcmp(room, "0AB3456789\0\0Z!", 14) == 0);
    return 0;
}
