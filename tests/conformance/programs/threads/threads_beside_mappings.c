/* Threads begin while another one maps memory, a table of pages at a time. */
#include "check.h"
#include <pthread.h>
#define MB (1ul << 20)
#define THREADS 60
static volatile int done;
static void *maps(void *unused)
{
    for (unsigned long i = 0; i < 800; i++) {
        volatile char *page = mmap((void *)(0x100000000000 + i * 2 * MB), PAGE, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        *page = 1;
    }
    return unused;
}
static void *waits(void *unused)
{
    while (!done)
        milliseconds(5);
    return unused;
}
int main(void)
{
    pthread_t mapper, threads[THREADS];
    int begun = 0;
    pthread_create(&mapper, NULL, maps, NULL);
    for (int i = 0; i < THREADS; i++)
        begun += pthread_create(&threads[i], NULL, waits, NULL) == 0;
    RC(pthread_join(mapper, NULL));
    done = 1;
    for (int i = 0; i < begun; i++)
        pthread_join(threads[i], NULL);
    SHOW(begun);
    return 0;
}
