/* preadv2(2), pwritev2(2): their flags, and -1 for the position. */
#include "check.h"
int main(void)
{
    char a[8] = "";
    int fd = file_of("f", "0123456789");
    struct iovec in = {a, 4}, out = {"AB", 2};
    SHOW(preadv2(fd, &in, 1, 2, 0));
    TEXT(a);
    SHOW(preadv2(fd, &in, 1, -1, 0));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pwritev2(fd, &out, 1, 0, RWF_APPEND));
    SHOW(pwritev2(fd, &out, 1, -1, RWF_SYNC | RWF_DSYNC));
    SHOW(preadv2(fd, &in, 1, 0, 0x40000000));
    SHOW(preadv2(fd, &in, 1, -2, 0));
    show_file("f");
    return 0;
}
