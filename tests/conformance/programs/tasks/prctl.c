/* prctl(2): names, dumpable, death signals, no_new_privs, errors. */
#include "check.h"
#include <sys/prctl.h>
static int ready[2];
static void orphan(void)
{
    int number = -1;
    SHOW(prctl(PR_GET_PDEATHSIG, &number));
    SHOW(number);
}
static void mortal(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    tell(ready);
    pause();
}
static void parent(void) { (void)start(mortal); await(ready); }
int main(void)
{
    char name[32] = "";
    int number = -1;
    SHOW(pipe(ready));
    SHOW(prctl(PR_SET_NAME, "a name that is too long"));
    SHOW(prctl(PR_GET_NAME, name));
    TEXT(name);
    show_file("/proc/self/comm");
    SHOW(prctl(PR_SET_NAME, BAD));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 7));
    SHOW(prctl(PR_SET_DUMPABLE, 1));
    SHOW(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    SHOW(prctl(PR_GET_PDEATHSIG, &number));
    SHOW(number);
    child(orphan);
    SHOW(prctl(PR_SET_PDEATHSIG, 99));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_GET_KEEPCAPS));
    SHOW(prctl(PR_SET_TIMERSLACK, 1000));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(PR_CAPBSET_READ, 0));
    SHOW(prctl(PR_CAPBSET_READ, 1000));
    SHOW(prctl(12345, 0));
    SHOW(prctl(PR_GET_TSC, &number));
    child(parent);
    int status;
    IS(wait(&status) > 0);
    show_status("mortal", status);
    return 0;
}
