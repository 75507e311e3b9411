/* lseek(2): positions, also far beyond what is there; shared by duplicates and children. */
#include "check.h"
static int fd;
static void move(void) { SHOW(lseek(fd, 3, SEEK_SET)); }
int main(void)
{
    fd = file_of("f", "0123456789");
    SHOW(lseek(fd, 4, SEEK_SET));
    SHOW(lseek(fd, 2, SEEK_CUR));
    SHOW(lseek(fd, -7, SEEK_CUR));
    SHOW(lseek(fd, -3, SEEK_END));
    SHOW(lseek(fd, 1l << 40, SEEK_SET));
    SHOW(lseek(fd, LONG_MAX, SEEK_CUR));
    SHOW(lseek(fd, LONG_MIN, SEEK_END));
    int copy = dup(fd), other = open("f", O_RDONLY);
    SHOW(lseek(copy, 0, SEEK_CUR));
    SHOW(lseek(other, 0, SEEK_CUR));
    child(move);
    SHOW(lseek(fd, 0, SEEK_CUR));
    return 0;
}
