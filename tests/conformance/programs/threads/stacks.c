/* Stacks of threads: sizes, guards, a stack of one's own; overflow kills the process. */
#include "check.h"
#include <pthread.h>
static __attribute__((noinline)) int deep(int n) { volatile char r[1000]; r[0] = 1; return n ? deep(n - 1) + r[0] : 0; }
static void *shallow(void *unused UNUSED) { return (void *)(intptr_t)deep(100); }
static void *endless(void *unused UNUSED) { return (void *)(intptr_t)deep(1 << 30); }
static void overflow(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, endless, NULL);
    pthread_join(thread, NULL);
}
int main(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *result;
    pthread_attr_init(&attributes);
    RC(pthread_attr_setstacksize(&attributes, 16384 * 16));
    RC(pthread_create(&thread, &attributes, shallow, NULL));
    RC(pthread_join(thread, &result));
    SHOW(result);
    char *own = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    RC(pthread_attr_setstack(&attributes, own, 1 << 20));
    RC(pthread_create(&thread, &attributes, shallow, NULL));
    RC(pthread_join(thread, &result));
    SHOW(result);
    child(overflow);
    return 0;
}
