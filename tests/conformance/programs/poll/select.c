/* select(2), pselect(2): sets, what is left of the time, errors. */
#include "check.h"
#include <sys/select.h>
static void show(const char *what, fd_set *set, int most)
{
    printf("%s:", what);
    for (int i = 0; i < most; i++)
        if (FD_ISSET(i, set))
            printf(" %d", i);
    puts("");
}
int main(void)
{
    int a[2], b[2];
    fd_set in, out;
    struct timeval zero = {0, 0}, some = {0, 3000};
    SHOW(pipe(a) | pipe(b));
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(a[0], &in);
    FD_SET(b[0], &in);
    SHOW(select(10, &in, NULL, NULL, &zero));
    show("in", &in, 10);
    FD_SET(a[0], &in);
    FD_SET(a[1], &out);
    SHOW(write(a[1], "x", 1));
    SHOW(select(10, &in, &out, NULL, NULL));
    show("in", &in, 10);
    show("out", &out, 10);
    FD_ZERO(&in);
    FD_SET(b[0], &in);
    SHOW(select(b[0] + 1, &in, NULL, NULL, &some));
    SHOW(some.tv_usec);
    SHOW(close(b[1]));
    FD_SET(b[0], &in);
    SHOW(select(10, &in, NULL, NULL, NULL));
    FD_ZERO(&in);
    FD_SET(50, &in);
    SHOW(select(60, &in, NULL, NULL, &zero));
    SHOW(select(-1, NULL, NULL, NULL, &zero));
    SHOW(select(5, BAD, NULL, NULL, &zero));
    SHOW(select(0, NULL, NULL, NULL, &(struct timeval){-1, 0}));
    SHOW(select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
    SHOW(pselect(0, NULL, NULL, NULL, &(struct timespec){0, 1000}, NULL));
    SHOW(pselect(0, NULL, NULL, NULL, &(struct timespec){0, -1}, NULL));
    return 0;
}
