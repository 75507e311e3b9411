/* The stack grows by use, to megabytes; RLIMIT_STACK ends it. */
#include "check.h"
#include <sys/resource.h>
static __attribute__((noinline)) long deep(int n)
{
    volatile char room[8000];
    memset((char *)room, n, sizeof room);
    return n == 0 ? 0 : deep(n - 1) + room[100] - (char)n + 1;
}
static __attribute__((noinline)) int far(void)
{
    volatile char room[4 << 20];
    return room[0] = 1; /* four megabytes below, in one step */
}
static void too_deep(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &limit);
    SHOW(deep(50));
    SHOW(deep(100000));
}
int main(void)
{
    SHOW(deep(10));
    SHOW(deep(700));
    SHOW(far());
    child(too_deep);
    SHOW(deep(10));
    return 0;
}
