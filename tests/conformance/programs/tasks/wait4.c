/* wait4(2): which children, options, errors, resource usage. */
#include "check.h"
#include <sys/resource.h>
static int go[2];
static void waits(void) { await(go); _exit(4); }
static void leaves(void) { _exit(3); }
static void group(void) { setpgid(0, 0); _exit(5); }
int main(void)
{
    int status = -1;
    struct rusage usage;
    SHOW(pipe(go));
    SHOW(waitpid(-1, &status, 0));
    SHOW(waitpid(-1, &status, WNOHANG));
    pid_t pid = start(waits);
    SHOW(waitpid(pid, &status, WNOHANG));
    SHOW(waitpid(999999, &status, 0));
    SHOW(waitpid(pid, &status, 0x40));
    SHOW(waitpid(INT_MIN, &status, 0));
    tell(go);
    IS(wait4(pid, &status, 0, &usage) == pid);
    show_status("waits", status);
    IS(usage.ru_maxrss >= 0);
    pid = start(leaves);
    IS(waitpid(0, &status, 0) == pid);
    show_status("leaves", status);
    pid = start(group);
    setpgid(pid, pid);
    IS(waitpid(-pid, &status, 0) == pid);
    show_status("group", status);
    pid = start(leaves);
    IS(waitpid(pid, NULL, __WALL) == pid);
    pid = start(leaves);
    SHOW(waitpid(pid, BAD, 0));
    SHOW(waitpid(pid, &status, 0));
    pid = start(leaves);
    SHOW(waitpid(pid, &status, __WCLONE));
    SHOW(waitpid(pid, &status, __WNOTHREAD) == pid);
    return 0;
}
