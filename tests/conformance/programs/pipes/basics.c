/* pipe(2), pipe2(2): ends, the end of the file, close-on-exec, errors. */
#include "check.h"
static int p[2];
static void writer(void)
{
    close(p[0]);
    SHOW(write(p[1], "from the child", 14));
}
int main(void)
{
    char room[64] = "";
    struct stat st;
    SHOW(pipe(p));
    SHOW(p[0] * 10 + p[1]);
    SHOW(fstat(p[0], &st));
    IS(S_ISFIFO(st.st_mode));
    child(writer);
    SHOW(close(p[1]));
    SHOW(read(p[0], room, 4));
    SHOW(read(p[0], room + 4, 59));
    TEXT(room);
    SHOW(read(p[0], room, 4));
    SHOW(close(p[0]));
    SHOW(pipe2(p, O_CLOEXEC | O_NONBLOCK));
    SHOW(fcntl(p[0], F_GETFD));
    SHOW(fcntl(p[1], F_GETFL));
    SHOW(read(p[0], room, 4));
    SHOW(pipe2(p, 0x1));
    SHOW(pipe(BAD));
    SHOW(pipe2(NULL, 0));
    SHOW(dup(0));
    return 0;
}
