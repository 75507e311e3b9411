/* setsid(2), getsid(2). */
#include "check.h"
static void session(void)
{
    IS(getsid(0) == getsid(getppid()));
    IS(setsid() == getpid());
    IS(getsid(0) == getpid() && getpgrp() == getpid());
    SHOW(setsid());
    SHOW(setpgid(0, 0));
    IS(getsid(getppid()) != getpid());
}
int main(void)
{
    child(session);
    SHOW(getsid(999999));
    SHOW(getsid(-1));
    IS(getsid(0) == getsid(getpid()));
    return 0;
}
