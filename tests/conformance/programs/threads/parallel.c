/* Two threads that spin for one another make progress at once; memory they change together is coherent. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
static volatile int turn;
static long atomic;
static void *other(void *unused UNUSED)
{
    for (int i = 0; i < 200; i++) {
        while (turn != 1)
            sched_yield();
        turn = 0;
    }
    for (int i = 0; i < 100000; i++)
        __atomic_add_fetch(&atomic, 1, __ATOMIC_RELAXED);
    return NULL;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, other, NULL);
    for (int i = 0; i < 200; i++) {
        turn = 1;
        while (turn != 0)
            sched_yield();
    }
    for (int i = 0; i < 100000; i++)
        __atomic_add_fetch(&atomic, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    SHOW(atomic);
    return 0;
}
