/* Orphans go to the subreaper, or to process 1. */
#include "check.h"
#include <sys/prctl.h>
static int up[2], go[2];
static void orphan(void)
{
    tell(up);
    await(go);
    printf("parent is the reaper: %d\n", getppid() == 1);
    _exit(33);
}
static void middle(void) { (void)start(orphan); await(up); _exit(2); }
int main(void)
{
    int on = -1;
    SHOW(pipe(up) | pipe(go));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &on));
    SHOW(on);
    SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
    SHOW(prctl(PR_GET_CHILD_SUBREAPER, &on));
    SHOW(on);
    IS(getpid() == 1);
    child(middle);
    tell(go);
    int status;
    IS(wait(&status) > 0);
    show_status("orphan", status);
    return 0;
}
