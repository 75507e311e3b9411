/* setpgid(2), getpgid(2), setpgrp(2): and their errors. */
#include "check.h"
static int up[2], go[2];
static void member(void) { tell(up); await(go); IS(getpgrp() != getppid()); }
static void leader(void) { setsid(); tell(up); await(go); }
int main(void)
{
    SHOW(pipe(up) | pipe(go));
    SHOW(setpgid(0, 0) == 0 || errno == EPERM);
    IS(getpgrp() == getpid());
    SHOW(getpgid(0) == getpgrp());
    pid_t pid = start(member);
    await(up);
    IS(getpgid(pid) == getpid());
    SHOW(setpgid(pid, pid));
    IS(getpgid(pid) == pid);
    SHOW(setpgid(pid, 999999));
    SHOW(setpgid(pid, -1));
    SHOW(setpgid(999999, 0));
    SHOW(getpgid(999999));
    SHOW(getpgid(-1));
    tell(go);
    reap("member", pid);
    pid = start(leader);
    await(up);
    SHOW(setpgid(pid, 0));
    SHOW(setpgid(0, pid));
    tell(go);
    reap("leader", pid);
    return 0;
}
