/* fork(2): ids, copies, order of output, many children. */
#include "check.h"
static int value = 1;
static pid_t parent;
static void look(void)
{
    IS(getppid() == parent && getpid() != parent);
    IS(gettid() == getpid());
    SHOW(value);
    value = 2;
}
static void nothing(void) {}
int main(void)
{
    parent = getpid();
    child(look);
    SHOW(value);
    int good = 0;
    for (int i = 0; i < 30; i++) {
        pid_t pid = start(nothing);
        int status;
        good += waitpid(pid, &status, 0) == pid && status == 0;
    }
    SHOW(good);
    pid_t pids[20];
    for (int i = 0; i < 20; i++)
        pids[i] = start(nothing);
    for (int i = 0; i < 20; i++)
        good += waitpid(pids[i], NULL, 0) == pids[i];
    SHOW(good);
    SHOW(wait(NULL));
    return 0;
}
