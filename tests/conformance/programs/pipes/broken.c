/* A pipe without readers: SIGPIPE, or EPIPE. */
#include "check.h"
static int p[2];
static volatile int caught;
static void handler(int n) { caught = n; }
static void dies(void) { (void)!write(p[1], "x", 1); puts("never"); }
int main(void)
{
    SHOW(pipe(p));
    SHOW(close(p[0]));
    child(dies);
    signal(SIGPIPE, handler);
    SHOW(write(p[1], "x", 1));
    SHOW(caught == SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(p[1], "x", 1));
    SHOW(write(p[1], "x", 0));
    struct iovec vec = {"x", 1};
    SHOW(writev(p[1], &vec, 1));
    return 0;
}
