/* One thread maps, protects and unmaps while others read, write and fault. */
#include "check.h"
#include <pthread.h>
static char *area;
static volatile int stop, touching;
static __thread sigjmp_buf back;
static void on_fault(int n UNUSED) { siglongjmp(back, 1); }
static void *toucher(void *unused UNUSED)
{
    volatile long touches = 0;
    while (!stop) {
        if (sigsetjmp(back, 1) == 0)
            for (int i = 0; i < 8; i++)
                ((volatile char *)area)[i * PAGE]++;
        if (touches++ == 0)
            __atomic_add_fetch(&touching, 1, __ATOMIC_SEQ_CST);
    }
    return (void *)(intptr_t)(touches > 0);
}
int main(void)
{
    pthread_t threads[2];
    void *result;
    int failed = 0;
    signal(SIGSEGV, on_fault);
    area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, toucher, NULL);
    while (touching < 2)
        milliseconds(1);
    for (int i = 0; i < 100; i++) {
        failed += mprotect(area, 4 * PAGE, i % 2 ? PROT_READ : PROT_READ | PROT_WRITE) != 0;
        char *b = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        b[63 * PAGE] = 1;
        failed += munmap(b, 64 * PAGE) != 0;
        failed += mmap(area, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != area;
    }
    stop = 1;
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &result);
        SHOW(result);
    }
    SHOW(failed);
    return 0;
}
