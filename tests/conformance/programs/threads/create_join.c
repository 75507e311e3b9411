/* Threads: values, arguments, ids, many of them. */
#include "check.h"
#include <pthread.h>
static int total;
static void *add(void *n)
{
    __atomic_add_fetch(&total, (int)(intptr_t)n, __ATOMIC_SEQ_CST);
    return (void *)((intptr_t)n * 2);
}
static void *ids(void *unused UNUSED) { return gettid() != getpid() ? "another" : "the same"; }
int main(void)
{
    pthread_t threads[32];
    void *result;
    long sum = 0;
    for (int i = 0; i < 32; i++)
        if (pthread_create(&threads[i], NULL, add, (void *)(intptr_t)i))
            puts("no thread");
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], &result);
        sum += (intptr_t)result;
    }
    SHOW(total);
    SHOW(sum);
    for (int i = 0; i < 50; i++) {
        pthread_create(&threads[0], NULL, add, (void *)1);
        pthread_join(threads[0], NULL);
    }
    SHOW(total);
    RC(pthread_create(&threads[0], NULL, ids, NULL));
    RC(pthread_join(threads[0], &result));
    TEXT((char *)result);
    RC(pthread_join(pthread_self(), NULL));
    return 0;
}
