/* futex_waitv(2): several words at once; which one woke, times, errors. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#define WAITV 449
struct waiter { uint64_t value, address; uint32_t flags, reserved; };
static uint32_t words[2];
static void *wake(void *unused UNUSED)
{
    for (;;) {
        milliseconds(1);
        if (syscall(SYS_futex, &words[1], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) == 1)
            return NULL;
    }
}
int main(void)
{
    struct timespec now;
    struct waiter two[] = {{0, (uintptr_t)&words[0], 2 | 128, 0}, {0, (uintptr_t)&words[1], 2 | 128, 0}};
    pthread_t thread;
    RC(pthread_create(&thread, NULL, wake, NULL));
    SHOW(syscall(WAITV, two, 2, 0, NULL, 0));
    RC(pthread_join(thread, NULL));
    clock_gettime(CLOCK_MONOTONIC, &now);
    SHOW(syscall(WAITV, two, 2, 0, &now, CLOCK_MONOTONIC));
    two[0].value = 5;
    SHOW(syscall(WAITV, two, 2, 0, NULL, 0));
    SHOW(syscall(WAITV, two, 0, 0, NULL, 0));
    SHOW(syscall(WAITV, two, 200, 0, NULL, 0));
    SHOW(syscall(WAITV, two, 2, 1, NULL, 0));
    SHOW(syscall(WAITV, BAD, 2, 0, NULL, 0));
    SHOW(syscall(WAITV, two, 2, 0, &now, 99));
    two[0].reserved = 1;
    SHOW(syscall(WAITV, two, 2, 0, NULL, 0));
    two[0].reserved = 0, two[0].flags = 0x1000;
    SHOW(syscall(WAITV, two, 2, 0, NULL, 0));
    two[0].flags = 2 | 128, two[0].address += 1;
    SHOW(syscall(WAITV, two, 2, 0, NULL, 0));
    return 0;
}
