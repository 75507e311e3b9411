/* readv(2), writev(2), preadv(2), pwritev(2): vectors, empty members, what stops half way. */
#include "check.h"
int main(void)
{
    char a[4] = "", b[8] = "", c[16] = "";
    int fd = file_of("f", "");
    struct iovec out[] = {{"one ", 4}, {"", 0}, {"two ", 4}, {"three", 5}};
    struct iovec in[] = {{a, 3}, {b, 7}, {c, 15}};
    struct iovec half[] = {{"good", 4}, {BAD, 4}, {"more", 4}};
    struct iovec bad[] = {{BAD, 4}, {"good", 4}};
    SHOW(writev(fd, out, 4));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(readv(fd, in, 3));
    TEXT(a);
    TEXT(b);
    TEXT(c);
    SHOW(preadv(fd, in, 2, 4));
    TEXT(a);
    SHOW(pwritev(fd, out, 1, 20));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(writev(fd, bad, 2));
    IS(writev(fd, half, 3) < 12);
    SHOW(writev(fd, out, -1));
    SHOW(writev(fd, out, 0));
    SHOW(writev(fd, out, 1025));
    SHOW(writev(fd, BAD, 2));
    SHOW(readv(-1, in, 1));
    SHOW(readv(fd, (struct iovec[]){{a, -1}}, 1));
    SHOW(preadv(fd, in, 1, -1));
    struct iovec many[1024];
    for (int i = 0; i < 1024; i++)
        many[i] = (struct iovec){"ab", 2};
    SHOW(writev(fd, many, 1024));
    return 0;
}
