/* Barriers, read-write locks, spin locks, once. */
#include "check.h"
#include <pthread.h>
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_spinlock_t spin;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int rounds[4], serial, value, initialized;
static void initialize(void) { initialized++; }
static void *walk(void *me)
{
    int id = (intptr_t)me;
    for (int i = 0; i < 20; i++) {
        rounds[id]++;
        pthread_once(&once, initialize);
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD)
            __atomic_add_fetch(&serial, 1, __ATOMIC_SEQ_CST);
        for (int j = 0; j < 4; j++)
            if (rounds[j] != i + 1)
                puts("out of step");
        pthread_barrier_wait(&barrier);
        pthread_rwlock_wrlock(&rwlock);
        value++;
        pthread_rwlock_unlock(&rwlock);
        pthread_rwlock_rdlock(&rwlock);
        pthread_rwlock_unlock(&rwlock);
        pthread_spin_lock(&spin);
        value++;
        pthread_spin_unlock(&spin);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}
int main(void)
{
    pthread_t threads[4];
    RC(pthread_barrier_init(&barrier, NULL, 4));
    RC(pthread_spin_init(&spin, 0));
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, walk, (void *)(intptr_t)i);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    SHOW(serial);
    SHOW(initialized);
    IS(value > 80);
    return 0;
}
