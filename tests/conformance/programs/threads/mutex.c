/* pthread mutexes of every kind, contended. */
#include "check.h"
#include <pthread.h>
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER;
static long counter;
static void *count(void *unused UNUSED)
{
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&plain);
        counter++;
        pthread_mutex_unlock(&plain);
    }
    return NULL;
}
static void *tries(void *mutex)
{
    RC(pthread_mutex_trylock(mutex));
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 3000000;
    if (soon.tv_nsec >= 1000000000)
        soon.tv_nsec -= 1000000000, soon.tv_sec++;
    RC(pthread_mutex_timedlock(mutex, &soon));
    return NULL;
}
static void kind(int type)
{
    pthread_mutex_t mutex;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_init(&mutex, &attributes);
    RC(pthread_mutex_lock(&mutex));
    RC(pthread_mutex_trylock(&mutex));
    if (type != PTHREAD_MUTEX_NORMAL)
        RC(pthread_mutex_lock(&mutex));
    pthread_t thread;
    pthread_create(&thread, NULL, tries, &mutex);
    pthread_join(thread, NULL);
    RC(pthread_mutex_unlock(&mutex));
}
int main(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    SHOW(counter);
    kind(PTHREAD_MUTEX_NORMAL);
    kind(PTHREAD_MUTEX_RECURSIVE);
    kind(PTHREAD_MUTEX_ERRORCHECK);
    return 0;
}
