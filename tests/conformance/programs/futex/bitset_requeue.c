/* futex(2): bit sets choose who wakes; requeue moves waiters; FUTEX_WAKE_OP does both. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
static int one, two, asleep;
static long futex(int *at, int op, int value, void *timeout, int *second, int third) { return syscall(SYS_futex, at, op | FUTEX_PRIVATE_FLAG, value, timeout, second, third); }
static void *bits(void *mask)
{
    __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    long result = futex(&one, FUTEX_WAIT_BITSET, 0, NULL, NULL, (int)(intptr_t)mask);
    printf("mask %ld woke: %ld\n", (long)(intptr_t)mask, result);
    return NULL;
}
static void *plain(void *unused UNUSED)
{
    __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
    futex(&one, FUTEX_WAIT, 0, NULL, NULL, 0);
    return NULL;
}
/* How many wake: tried until that many have gone to sleep. */
static int woken(int wanted, int op, int *at, int count, int *second, int third)
{
    int total = 0;
    for (int i = 0; i < 2000 && total < wanted; i++) {
        long n = futex(at, op, count, (void *)(intptr_t)count, second, third);
        total += n > 0 ? n : 0;
        if (total < wanted)
            milliseconds(1);
    }
    return total;
}
int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, bits, (void *)1);
    pthread_create(&threads[1], NULL, bits, (void *)2);
    int count = woken(1, FUTEX_WAKE_BITSET, &one, 5, NULL, 2);
    pthread_join(threads[1], NULL);
    SHOW(count);
    count = woken(1, FUTEX_WAKE_BITSET, &one, 5, NULL, 5);
    pthread_join(threads[0], NULL);
    SHOW(count);
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, plain, NULL);
    int moved = 0;
    for (int i = 0; i < 2000 && moved < 2; i++) {
        long n = futex(&one, FUTEX_CMP_REQUEUE, 0, (void *)5, &two, 0);
        moved += n > 0 ? n : 0;
        milliseconds(1);
    }
    SHOW(moved);
    SHOW(futex(&one, FUTEX_WAKE, 5, NULL, NULL, 0));
    SHOW(futex(&two, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&two, FUTEX_WAKE, 1, NULL, NULL, 0));
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    two = 10;
    SHOW(futex(&one, FUTEX_WAKE_OP, 1, (void *)1, &two, FUTEX_OP(FUTEX_OP_ADD, 5, FUTEX_OP_CMP_EQ, 10)));
    SHOW(two);
    SHOW(futex(&one, FUTEX_WAKE_OP, 1, (void *)1, &two, FUTEX_OP(FUTEX_OP_ANDN, 7, FUTEX_OP_CMP_GT, 100)));
    SHOW(two);
    return 0;
}
