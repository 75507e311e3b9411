/* setgroups(2), setuid(2) of a process with threads: glibc has all of them change, by a signal of its own. */
#include "check.h"
#include <grp.h>
#include <pthread.h>
static int ready[2], go[2];
static void *waits(void *unused UNUSED)
{
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, NULL);
    tell(ready);
    await(go);
    uid_t r, e, s;
    syscall(SYS_getresuid, &r, &e, &s);
    return (void *)(intptr_t)(r + e + s + getgroups(0, NULL));
}
static void test(void)
{
    pthread_t threads[3];
    void *result;
    SHOW(pipe(ready) | pipe(go));
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, waits, NULL);
    for (int i = 0; i < 3; i++)
        await(ready);
    gid_t groups[] = {5, 6};
    SHOW(setgroups(2, groups));
    SHOW(setgid(1000));
    SHOW(setuid(1000));
    for (int i = 0; i < 3; i++)
        tell(go);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &result);
        SHOW(result);
    }
}
int main(void)
{
    child(test);
    return 0;
}
