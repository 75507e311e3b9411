/* O_DIRECT: a pipe of packets. */
#include "check.h"
int main(void)
{
    int p[2];
    char room[16];
    SHOW(pipe2(p, O_DIRECT));
    SHOW(write(p[1], "one", 3));
    SHOW(write(p[1], "three", 5));
    SHOW(read(p[0], room, 16));
    SHOW(read(p[0], room, 2));
    SHOW(write(p[1], "x", 1));
    SHOW(read(p[0], room, 16));
    return 0;
}
