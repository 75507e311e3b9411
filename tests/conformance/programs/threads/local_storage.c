/* __thread variables and keys with destructors: one a thread, across calls into the kernel. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
static __thread int mine = 5;
static __thread char room[10000];
static pthread_key_t key;
static int destroyed, wrong;
static void destroy(void *value) { __atomic_add_fetch(&destroyed, (int)(intptr_t)value, __ATOMIC_SEQ_CST); }
static void *run(void *number)
{
    int n = (intptr_t)number;
    if (mine != 5 || room[9999] != 0)
        wrong++;
    mine = n;
    memset(room, n, sizeof room);
    pthread_setspecific(key, number);
    for (int i = 0; i < 50; i++) {
        sched_yield();
        errno = n;
        getppid();
        if (mine != n || room[5000] != n || errno != n || pthread_getspecific(key) != number)
            wrong++;
    }
    return NULL;
}
int main(void)
{
    pthread_t threads[8];
    RC(pthread_key_create(&key, destroy));
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, run, (void *)(intptr_t)(i + 1));
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    SHOW(mine);
    SHOW(wrong);
    SHOW(destroyed);
    return 0;
}
